import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RedfishEvent } from '../../../lab/bmc/redfish/board.js';
import { labFirmware } from '../../../lab/bmc/redfish/update.js';
import { DaemonHome, type RunningDaemon } from '../../support/daemon.js';
import { fingerprintOf } from '../../support/redfish-driver.js';
import { REDFISH_PASSWORD, RedfishRack } from '../../support/redfish-rack.js';

let home: DaemonHome;
let rack: RedfishRack;
const images = mkdtempSync(join(tmpdir(), 'firmware-'));
/** Called with each event of the BMC. */
let watch: (event: RedfishEvent) => void = () => {};

beforeAll(async () => {
  home = new DaemonHome({
    conductor: { heartbeat_interval: 1 },
    driver: { enabled_hardware_types: ['redfish'] },
    image: { allowed_file_paths: [images] },
    redfish: {
      connection_retry_interval: 0.2,
      firmware_source: 'local',
      firmware_update_status_interval: 0.2,
      firmware_update_reboot_delay: 2,
      firmware_update_nic_starting_wait: 0,
      firmware_update_bmc_version_check_interval: 0.2,
      firmware_update_validation_interval: 0.1,
    },
  });
  rack = await RedfishRack.up({ restartTime: 300, onEvent: (event) => watch(event) });
});
afterAll(async () => {
  await rack[Symbol.asyncDispose]();
  await home.remove();
  rmSync(images, { recursive: true, force: true });
});

async function until(daemon: RunningDaemon, uuid: string, state: string): Promise<Record<string, unknown>> {
  for (let i = 0; i < 1_200; i++) {
    const node = await daemon.api('GET', `/v1/nodes/${uuid}`);
    if (node['provision_state'] === state && node['target_provision_state'] === null) return node;
    if (/failed/.test(String(node['provision_state']))) break;
    await sleep(50);
  }
  throw new Error(`not ${state}: ${JSON.stringify(await daemon.api('GET', `/v1/nodes/${uuid}`))}`);
}

function item(component: string, version: string, checksum?: string) {
  const bytes = labFirmware(component, version);
  const path = join(images, `${component}-${version}.bin`);
  writeFileSync(path, bytes);
  const sum = checksum ?? createHash('sha256').update(bytes).digest('hex');
  return { component, url: `file://${path}`, checksum: sum };
}

const sent = () =>
  rack.bmc.events.flatMap((event) => {
    if (event.kind === 'update') return [`${event.act} ${event.component}`];
    return event.kind === 'reset' ? [event.type] : [];
  });

const versions = async (daemon: RunningDaemon, uuid: string) => {
  const { firmware } = await daemon.api('GET', `/v1/nodes/${uuid}/firmware`);
  return Object.fromEntries(
    (firmware as { component: string }[]).map(({ component, ...rest }) => [component, rest]),
  );
};

async function serviced(daemon: RunningDaemon, uuid: string, settings: object[]): Promise<void> {
  await daemon.api('PUT', `/v1/nodes/${uuid}/states/provision`, {
    target: 'service',
    service_steps: [{ interface: 'firmware', step: 'update', args: { settings } }],
  });
}

describe('a daemon that updates firmware', () => {
  let daemon: RunningDaemon;
  let uuid: string;

  beforeAll(async () => {
    daemon = await home.start();
    const made = await daemon.api('POST', '/v1/nodes', {
      driver: 'redfish',
      driver_info: {
        redfish_address: rack.bmc.url,
        redfish_username: 'admin',
        redfish_password: REDFISH_PASSWORD,
        redfish_system_id: rack.bmc.systemPath,
        redfish_pin_certificate: fingerprintOf(rack.bmc.certificate),
        deploy_kernel: 'http://192.0.2.1/kernel',
        deploy_ramdisk: 'http://192.0.2.1/ramdisk',
      },
      instance_info: {
        image_source: 'http://192.0.2.1/image',
        image_checksum: 'a'.repeat(64),
      },
    });
    uuid = made['uuid'] as string;
    await daemon.api('PUT', `/v1/nodes/${uuid}/states/provision`, { target: 'manage' });
    await until(daemon, uuid, 'manageable');
    await rack.machine.on();
    await daemon.api('PUT', `/v1/nodes/${uuid}/states/provision`, { target: 'adopt' });
    await until(daemon, uuid, 'active');
  });

  it('and is killed at the request, at the reboot and at the end goes on, and sends nothing twice', async () => {
    expect(await versions(daemon, uuid)).toMatchObject({
      bios: { initial_version: '1.0', current_version: '1.0', last_version_flashed: null },
      bmc: { current_version: '1.0.0' },
    });
    rack.bmc.events.length = 0;
    const deadly: ((event: RedfishEvent) => boolean)[] = [
      (event) => event.kind === 'request' && event.method === 'POST' && event.path.endsWith('SimpleUpdate'),
      (event) => event.kind === 'update' && event.act === 'stored',
      (event) => event.kind === 'reset' && event.type === 'ForceOff',
      (event) => event.kind === 'reset' && event.type === 'On',
      (event) => event.kind === 'update' && event.act === 'applied',
    ];
    let kills = 0;
    watch = (event) => {
      if (daemon.process.signalCode !== null || daemon.process.killed || !deadly[0]?.(event)) return;
      deadly.shift();
      kills++;
      daemon.process.kill('SIGKILL');
    };
    await serviced(daemon, uuid, [item('bios', '2.0')]);
    for (let i = 0; i < 6; i++) {
      const { process: running } = daemon;
      const done = until(daemon, uuid, 'active').catch((error: unknown) => {
        if (running.signalCode === null && !running.killed) throw error;
        return daemon.ended;
      });
      const end = await Promise.race([daemon.ended, done]);
      if (typeof end === 'object') break;
      daemon = await home.start();
    }
    const node = await until(daemon, uuid, 'active');
    watch = () => {};
    expect(kills).toBeGreaterThanOrEqual(3);
    expect(node['last_error']).toBeNull();
    // The BMC’s download may have ended with the daemon: then it never had the image, and is sent it.
    const lost = sent().filter((one) => one === 'failed unknown');
    expect(lost.length).toBeLessThanOrEqual(1);
    expect(sent()).toEqual([...lost, 'stored bios', 'ForceOff', 'On', 'applied bios']);
    expect(await versions(daemon, uuid)).toMatchObject({
      bios: { initial_version: '1.0', current_version: '2.0', last_version_flashed: '2.0' },
    });
    const { history } = await daemon.api('GET', `/v1/nodes/${uuid}/history?detail=true`);
    expect(JSON.stringify(history)).toContain('The firmware of bios was updated: 1.0 before, 2.0 now.');
    expect(readdirSync(join(home.directory, 'data', 'httpboot', uuid))).not.toContain('firmware');
  }, 300_000);

  it('of a BMC outlives its restart; an image with a wrong checksum is refused before', async () => {
    rack.bmc.events.length = 0;
    await serviced(daemon, uuid, [item('bmc', '2.0.0')]);
    await until(daemon, uuid, 'active');
    expect(sent()).toEqual(['stored bmc', 'applied bmc']);
    expect(await versions(daemon, uuid)).toMatchObject({ bmc: { current_version: '2.0.0' } });
    rack.bmc.events.length = 0;
    await serviced(daemon, uuid, [item('bmc', '3.0.0', 'b'.repeat(64))]);
    await expect(until(daemon, uuid, 'active')).rejects.toThrow('not active');
    const { last_error: told } = await daemon.api('GET', `/v1/nodes/${uuid}`);
    expect(told).toMatch(/The update of bmc with bmc-3\.0\.0\.bin was not begun: .*sha256 checksum is/);
    expect(sent()).toEqual([]);
    expect(rack.bmc.count('POST', 'UpdateService')).toBe(0);
    await daemon.stop();
  });
});
