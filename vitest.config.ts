import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.js';

// CI runs repeat a failed test once: emulated firmware and real network clients share the machine.
const onCi = process.env['CI'] ? 1 : 0;

const tier = (name: string, extra: object = {}) => ({
  test: { name, include: [`test/${name}/**/*.spec.ts`], ...extra },
});

// Tiers: unit (pure, milliseconds), component (real PostgreSQL, real sockets), contract (real clients),
// e2e (virtual machines). Tests of the last three mostly wait; their ports, folders and namespaces are their own, so
// several files run at once. Unit and component tests share their processes: loading the same modules for each file
// took as long as the tests of many. A file therefore replaces no module (`vi.mock`) and leaves nothing behind.
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      tier('unit', { isolate: false, testTimeout: 10_000, maxWorkers: 2 }),
      tier('component', {
        isolate: false,
        retry: onCi,
        testTimeout: 60_000,
        hookTimeout: 120_000,
        maxWorkers: 3,
      }),
      tier('contract', { retry: onCi, testTimeout: 120_000, hookTimeout: 300_000, maxWorkers: 3 }),
      tier('e2e', {
        retry: onCi,
        testTimeout: 900_000,
        hookTimeout: 900_000,
        maxWorkers: 2,
        globalSetup: 'test/support/e2e/built-parts.ts',
      }),
      // Deployments of which one half is ours and the other Debian's Ironic; outside `make test`.
      tier('interop', { testTimeout: 1_800_000, hookTimeout: 900_000, fileParallelism: false }),
      // Images that take minutes each to build, booted to their login prompt; outside `make test`.
      tier('images', { testTimeout: 3_600_000, hookTimeout: 900_000, fileParallelism: false }),
      // Rarer and slower ways to deploy; outside `make test`.
      tier('e2e-all', { testTimeout: 1_800_000, hookTimeout: 900_000, fileParallelism: false }),
    ],
  },
});
