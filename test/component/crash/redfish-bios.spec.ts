import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RedfishEvent } from '../../../lab/bmc/redfish/board.js';
import { DaemonHome, type RunningDaemon } from '../../support/daemon.js';
import { fingerprintOf } from '../../support/redfish-driver.js';
import { REDFISH_PASSWORD, RedfishRack } from '../../support/redfish-rack.js';

let home: DaemonHome;
let rack: RedfishRack;
/** Called with each event of the BMC. */
let watch: (event: RedfishEvent) => void = () => {};

beforeAll(async () => {
  home = new DaemonHome({
    conductor: { heartbeat_interval: 1 },
    driver: { enabled_hardware_types: ['redfish'] },
  });
  rack = await RedfishRack.up({ onEvent: (event) => watch(event) });
});
afterAll(async () => {
  await rack[Symbol.asyncDispose]();
  await home.remove();
});

async function until(daemon: RunningDaemon, uuid: string, state: string): Promise<Record<string, unknown>> {
  for (let i = 0; i < 800; i++) {
    const node = await daemon.api('GET', `/v1/nodes/${uuid}`);
    if (node['provision_state'] === state && node['target_provision_state'] === null) return node;
    if (/failed/.test(String(node['provision_state']))) break;
    await sleep(50);
  }
  throw new Error(`not ${state}: ${JSON.stringify(await daemon.api('GET', `/v1/nodes/${uuid}`))}`);
}

const sent = () =>
  rack.bmc.events.flatMap((event) => {
    if (event.kind === 'bios') return [`${event.act} ${event.names.join(' ')}`];
    return event.kind === 'reset' ? [event.type] : [];
  });

describe('a daemon that is killed in a change of the BIOS', () => {
  it('at the settings, at the power off and at the power on goes on, and sends nothing twice', async () => {
    let daemon = await home.start();
    const { uuid } = (await daemon.api('POST', '/v1/nodes', {
      driver: 'redfish',
      driver_info: {
        redfish_address: rack.bmc.url,
        redfish_username: 'admin',
        redfish_password: REDFISH_PASSWORD,
        redfish_system_id: rack.bmc.systemPath,
        redfish_pin_certificate: fingerprintOf(rack.bmc.certificate),
      },
    })) as { uuid: string };
    await daemon.api('PUT', `/v1/nodes/${uuid}/states/provision`, { target: 'manage' });
    await until(daemon, uuid, 'manageable');
    const bios = await daemon.api('GET', `/v1/nodes/${uuid}/bios/SriovGlobalEnable`);
    expect(bios['SriovGlobalEnable']).toMatchObject({ value: 'Disabled' });
    await rack.machine.on();

    const deadly: ((event: RedfishEvent) => boolean)[] = [
      (event) => event.kind === 'bios' && event.act === 'pending',
      (event) => event.kind === 'reset' && event.type === 'ForceOff',
      (event) => event.kind === 'reset' && event.type === 'On',
    ];
    watch = (event) => {
      if (!deadly[0]?.(event)) return;
      deadly.shift();
      daemon.process.kill('SIGKILL');
    };
    await daemon.api('PUT', `/v1/nodes/${uuid}/states/provision`, {
      target: 'clean',
      clean_steps: [
        {
          interface: 'bios',
          step: 'apply_configuration',
          args: { settings: [{ name: 'SriovGlobalEnable', value: 'Enabled' }] },
        },
      ],
    });
    for (let kills = 1; kills <= 3; kills++) {
      expect(await daemon.ended).toBe('SIGKILL');
      daemon = kills < 3 ? await home.launch() : await home.start();
    }
    const node = await until(daemon, uuid, 'manageable');
    expect(node['last_error']).toBeNull();
    expect(sent()).toEqual(['pending SriovGlobalEnable', 'ForceOff', 'On', 'applied SriovGlobalEnable']);
    const after = await daemon.api('GET', `/v1/nodes/${uuid}/bios/SriovGlobalEnable`);
    expect(after['SriovGlobalEnable']).toMatchObject({ value: 'Enabled' });
    await daemon.stop();
  });
});
