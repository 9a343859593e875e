import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.js';

// Emulated firmware and real network clients on a shared machine: a CI run gives such a test one more try.
const onCi = process.env['CI'] ? 1 : 0;

const tier = (name: string, extra: object = {}) => ({
  test: { name, include: [`test/${name}/**/*.spec.ts`], ...extra },
});

// Tiers: unit (pure, milliseconds), component (real PostgreSQL, real sockets), contract (real clients),
// e2e (virtual machines). The last three mostly wait, and have ports, folders and namespaces of their own: two files at once.
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      // Pure, so that one process serves all files: to load the same modules anew for each took longer than the tests.
      tier('unit', { isolate: false, testTimeout: 10_000 }),
      tier('component', { retry: onCi, testTimeout: 60_000, hookTimeout: 120_000, maxWorkers: 2 }),
      tier('contract', { retry: onCi, testTimeout: 120_000, hookTimeout: 300_000, maxWorkers: 2 }),
      tier('e2e', {
        retry: onCi,
        testTimeout: 900_000,
        hookTimeout: 900_000,
        maxWorkers: 2,
        globalSetup: 'test/support/e2e/built-parts.ts',
      }),
      // One half of a deployment ours, the other Debian's Ironic; outside `make test`.
      tier('interop', { testTimeout: 1_800_000, hookTimeout: 900_000, fileParallelism: false }),
      // Images that take minutes each to build, booted to their login; outside `make test`.
      tier('images', { testTimeout: 3_600_000, hookTimeout: 900_000, fileParallelism: false }),
      // Rarer and slower ways to deploy; outside `make test`.
      tier('e2e-all', { testTimeout: 1_800_000, hookTimeout: 900_000, fileParallelism: false }),
    ],
  },
});
