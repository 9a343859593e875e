// Debian's glance-api; the bench beside it starts it too.
export { type Glance, startGlance } from '../../bench/glance-peer.js';
