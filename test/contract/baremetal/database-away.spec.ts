// Debian's `baremetal` and a daemon whose database is away for a while: the client asks again, as it does for any 503.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommand } from '../../../src/platform/run-command.js';
import { DaemonHome, type RunningDaemon } from '../../support/daemon.js';
import { OutsideDatabase } from '../../support/outside-database.js';
import { clientEnvironment } from './client.js';

let outside: OutsideDatabase;
let home: DaemonHome;
let daemon: RunningDaemon;
beforeAll(async () => {
  outside = await OutsideDatabase.start();
  home = new DaemonHome({
    database: { url: outside.url },
    driver: { enabled_hardware_types: ['fake-hardware'] },
  });
  daemon = await home.start();
});
afterAll(async () => {
  await home?.remove();
  await outside?.stop();
});

const baremetal = (...args: string[]) =>
  runCommand({
    file: 'baremetal',
    args,
    env: clientEnvironment(daemon.url, home.directory),
    timeout: 60_000,
  });

it('is answered when the database is there again, for reading and for writing', async () => {
  await outside.goAway();
  const away = await fetch(`${daemon.url}/v1/nodes`);
  expect([away.status, away.headers.get('retry-after')]).toEqual([503, null]);
  const listed = baremetal('--max-retries', '40', '--retry-interval', '1', 'node', 'list');
  const made = baremetal(
    '--max-retries',
    '40',
    '--retry-interval',
    '1',
    'node',
    'create',
    '--driver',
    'fake-hardware',
  );
  // Both have been told 503 by then.
  await expect
    .poll(() => daemon.log().match(/"a request failed"/g)?.length ?? 0, { timeout: 30_000 })
    .toBeGreaterThan(3);
  await sleep(1_000);
  await outside.comeBack();
  expect((await listed).exitCode).toBe(0);
  expect((await made).stdout).toContain('fake-hardware');
}, 120_000);
