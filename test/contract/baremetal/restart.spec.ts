// Debian's `baremetal … --wait` and a daemon that ends and comes back while it waits.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommand } from '../../../src/platform/run-command.js';
import { DaemonHome, type RunningDaemon } from '../../support/daemon.js';
import { clientEnvironment } from './client.js';

/** Debian's client, but that it asks fifty times as often: no restart falls between two questions. */
const IMPATIENT = `
import sys, time
sleep = time.sleep
time.sleep = lambda seconds: sleep(seconds / 50)
from ironicclient.shell import main
sys.exit(main())
`;

let home: DaemonHome;
let daemon: RunningDaemon;

beforeAll(async () => {
  home = new DaemonHome();
  daemon = await home.start();
});
afterAll(() => home?.remove());

async function until(state: string): Promise<void> {
  for (;;) {
    const shown = await daemon.api('GET', '/v1/nodes/one');
    if (shown['provision_state'] === state && shown['reservation'] === null) return;
    if (shown['provision_state'] === state && state === 'deploying') return;
    await sleep(50);
  }
}

it.each(['SIGTERM', 'SIGKILL'] as const)(
  'outlives a daemon that ends by %s',
  { timeout: 200_000 },
  async (signal) => {
    const { uuid } = await daemon.api('POST', '/v1/nodes', {
      driver: 'fake-hardware',
      name: 'one',
      driver_info: { fake_delay_write_image: 8 },
    });
    for (const [target, state] of [
      ['manage', 'manageable'],
      ['provide', 'available'],
    ] as const) {
      await daemon.api('PUT', `/v1/nodes/${uuid}/states/provision`, { target });
      await until(state);
    }
    const waiting = runCommand({
      file: '/usr/bin/python3',
      args: ['-c', IMPATIENT, '--max-retries', '1000', 'node', 'deploy', 'one', '--wait'],
      env: clientEnvironment(daemon.url, home.directory),
      timeout: 120_000,
    });
    await Promise.race([until('deploying'), waiting]);
    daemon.process.kill(signal);
    await daemon.ended;
    await sleep(3_000);
    daemon = await home.start();
    await waiting;
    expect(await daemon.api('GET', '/v1/nodes/one')).toMatchObject({ provision_state: 'active' });
    await daemon.api('PUT', `/v1/nodes/${uuid}/maintenance`, {});
    await daemon.api('DELETE', `/v1/nodes/${uuid}`);
  },
);
