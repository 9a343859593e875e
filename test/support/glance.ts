// Debian's glance-api; a bench starts it, too.
export { type Glance, startGlance } from '../../bench/glance-peer.js';
