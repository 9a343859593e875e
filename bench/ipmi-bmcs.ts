// The BMCs of ipmi-native-bench, in a process of their own. Argument: their number. It sends their ports.
import { contained } from '../src/platform/boundary.js';
import { Rack } from '../test/support/paper-rack.js';

const racks = await Promise.all(Array.from({ length: Number(process.argv[2]) }, () => Rack.up()));
setInterval(
  contained('bench: BMCs', () => {
    for (const { events } of racks) events.length = 0; // nobody reads them
  }),
  1_000,
);
process.on(
  'disconnect',
  contained('bench: BMCs', () => process.exit()),
);
process.send?.(racks.map(({ port }) => port));
