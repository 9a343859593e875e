import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { FakeCall } from '../../../src/driver/fake/machine.js';
import { DaemonHome, type RunningDaemon } from '../../support/daemon.js';

let home: DaemonHome;
beforeAll(() => {
  home = new DaemonHome({
    driver: {
      enabled_hardware_types: ['fake-hardware'],
      enabled_boot_interfaces: ['fake'],
      enabled_inspect_interfaces: ['agent'],
    },
    inspector: { require_managed_boot: false },
  });
});
afterAll(() => home?.remove());

const environment = (failpoint?: string) => ({
  FERRIC_DRIVER__FAKE_JOURNAL_DIRECTORY: home.directory,
  ...(failpoint === undefined ? {} : { FERRIC_CONDUCTOR__FAILPOINT: failpoint }),
});

/** A machine that is on, named after its journal. */
async function machine(daemon: RunningDaemon, name: string, driver_info: object = {}): Promise<string> {
  const body = { driver: 'fake-hardware', name, driver_info: { fake_journal: name, ...driver_info } };
  const uuid = String((await daemon.api('POST', '/v1/nodes', body))['uuid']);
  await daemon.api('PUT', `/v1/nodes/${uuid}/states/provision`, { target: 'manage' });
  await until(daemon, uuid, { provision_state: 'manageable' });
  await power(daemon, uuid, 'power on');
  await until(daemon, uuid, { power_state: 'power on', target_power_state: null });
  return uuid;
}

const power = (daemon: RunningDaemon, uuid: string, target: string) =>
  daemon.api('PUT', `/v1/nodes/${uuid}/states/power`, { target });

async function until(daemon: RunningDaemon, uuid: string, wanted: object) {
  for (let i = 0; ; i++) {
    const node = await daemon.api('GET', `/v1/nodes/${uuid}`);
    const reached = Object.entries({ reservation: null, ...wanted }).every(
      ([key, value]) => node[key] === value,
    );
    if (reached) return node;
    if (i > 400) throw new Error(`not ${JSON.stringify(wanted)}: ${JSON.stringify(node)}`);
    await sleep(50);
  }
}

function acts(name: string): string[] {
  const lines = readFileSync(join(home.directory, name), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as FakeCall).map(({ effect, phase }) => `${effect} ${phase}`);
}

it.each(['rebooting', 'soft rebooting'])(
  '%s is not sent again after a kill behind it, and the operator is told',
  async (target) => {
    const name = target.replace(' ', '-');
    let daemon = await home.start(environment('power.set_power_state.after#2'));
    const uuid = await machine(daemon, name);
    await power(daemon, uuid, target).catch(() => undefined);
    expect(await daemon.ended).toBe('SIGKILL');
    daemon = await home.start(environment());
    const node = await until(daemon, uuid, { target_power_state: null });
    expect(acts(name).filter((act) => act.startsWith(target))).toEqual([`${target} begin`, `${target} end`]);
    expect(node).toMatchObject({
      power_state: 'power on',
      last_error: expect.stringMatching(/ended while .* may or may not have been restarted/),
    });
    await daemon.stop();
  },
  120_000,
);

it('is sent once after a kill before it', async () => {
  let daemon = await home.start(environment('power.set_power_state.before#2'));
  const uuid = await machine(daemon, 'before');
  await power(daemon, uuid, 'rebooting').catch(() => undefined);
  expect(await daemon.ended).toBe('SIGKILL');
  daemon = await home.start(environment());
  const node = await until(daemon, uuid, { target_power_state: null });
  expect(acts('before').filter((act) => act === 'rebooting begin')).toHaveLength(1);
  expect(node['last_error']).toBeNull();
  await daemon.stop();
}, 120_000);

it('a machine that must not lose power is reset into its ramdisk once, though the conductor dies behind it', async () => {
  let daemon = await home.start(environment('inspect.inspect_hardware.after'));
  const uuid = await machine(daemon, 'kept', {});
  const kept = await fetch(`${daemon.url}/v1/nodes/${uuid}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json', 'x-openstack-ironic-api-version': '1.95' },
    body: JSON.stringify([{ op: 'add', path: '/disable_power_off', value: true }]),
  });
  expect(kept.status).toBe(200);
  await daemon.api('PUT', `/v1/nodes/${uuid}/states/provision`, { target: 'inspect' }).catch(() => undefined);
  expect(await daemon.ended).toBe('SIGKILL');
  daemon = await home.start(environment());
  await until(daemon, uuid, { provision_state: 'inspect wait' });
  expect(acts('kept').filter((act) => act === 'rebooting begin')).toHaveLength(1);
  const { history } = (await daemon.api('GET', `/v1/nodes/${uuid}/history/detail`)) as { history: object[] };
  expect(history).toContainEqual(
    expect.objectContaining({ event: expect.stringMatching(/is not reset a second time/) }),
  );
  await daemon.stop();
}, 120_000);
