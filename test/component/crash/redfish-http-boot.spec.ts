import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RedfishEvent } from '../../../lab/bmc/redfish/board.js';
import { readIso9660 } from '../../../src/protocol/iso/read.js';
import { DaemonHome, type RunningDaemon } from '../../support/daemon.js';
import { fingerprintOf } from '../../support/redfish-driver.js';
import { REDFISH_PASSWORD, RedfishRack } from '../../support/redfish-rack.js';

let home: DaemonHome;
let rack: RedfishRack;
let images: string;
/** Called with each event of the BMC. */
let watch: (event: RedfishEvent) => void = () => {};

beforeAll(async () => {
  const config = {
    conductor: { heartbeat_interval: 1 },
    driver: { enabled_hardware_types: ['redfish'] },
    netboot: { http: { listen: '127.0.0.1' } },
  };
  home = new DaemonHome(config);
  images = join(home.directory, 'images');
  mkdirSync(images);
  Object.assign(config, { image: { allowed_file_paths: [images] } });
  for (const name of ['kernel', 'ramdisk']) writeFileSync(join(images, name), `the ${name}`);
  rack = await RedfishRack.up({ onEvent: (event) => watch(event) });
});
afterAll(async () => {
  await rack[Symbol.asyncDispose]();
  await home.remove();
});

async function until(daemon: RunningDaemon, uuid: string, state: string): Promise<Record<string, unknown>> {
  for (let i = 0; i < 800; i++) {
    const node = await daemon.api('GET', `/v1/nodes/${uuid}`);
    if (node['provision_state'] === state && node['reservation'] === null) return node;
    await sleep(50);
  }
  throw new Error(`not ${state}: ${JSON.stringify(await daemon.api('GET', `/v1/nodes/${uuid}`))}`);
}

const provision = (daemon: RunningDaemon, uuid: string, target: string) =>
  daemon.api('PUT', `/v1/nodes/${uuid}/states/provision`, { target });
const isHttp = (event: RedfishEvent) => event.kind === 'boot' && event.target === 'UefiHttp';

it('a daemon that is killed while it starts a ramdisk by UEFI HTTP boot starts it once, and takes its URL back', async () => {
  let daemon = await home.start();
  const { uuid } = (await daemon.api('POST', '/v1/nodes', {
    driver: 'redfish',
    boot_interface: 'redfish-https',
    driver_info: {
      redfish_address: rack.bmc.url,
      redfish_username: 'admin',
      redfish_password: REDFISH_PASSWORD,
      redfish_system_id: rack.bmc.systemPath,
      redfish_pin_certificate: fingerprintOf(rack.bmc.certificate),
      deploy_kernel: `file://${images}/kernel`,
      deploy_ramdisk: `file://${images}/ramdisk`,
    },
  })) as { uuid: string };
  await provision(daemon, uuid, 'manage');
  await until(daemon, uuid, 'manageable');

  const deadly: ((event: RedfishEvent) => boolean)[] = [
    isHttp,
    (event) => event.kind === 'reset' && event.type === 'On',
  ];
  watch = (event) => {
    if (!deadly[0]?.(event)) return;
    deadly.shift();
    daemon.process.kill('SIGKILL');
  };
  await provision(daemon, uuid, 'provide');
  expect(await daemon.ended).toBe('SIGKILL');
  daemon = await home.launch();
  expect(await daemon.ended).toBe('SIGKILL');
  daemon = await home.start();
  const waiting = await until(daemon, uuid, 'clean wait');
  expect(waiting['last_error']).toBeNull();

  expect(rack.bmc.events.filter(({ kind }) => kind === 'reset')).toEqual([{ kind: 'reset', type: 'On' }]);
  expect(rack.machine.starts).toMatchObject([{ device: 'http', persistent: false }]);
  const uri = rack.machine.starts[0]!.uri!;
  expect(JSON.stringify(waiting)).not.toContain(new URL(uri).pathname.slice(1));
  const disc = await fetch(uri);
  expect(disc.status).toBe(200);
  const files = readIso9660(new Uint8Array(await disc.arrayBuffer()));
  expect(new TextDecoder().decode(files.get('vmlinuz'))).toBe('the kernel');

  await provision(daemon, uuid, 'abort');
  await until(daemon, uuid, 'clean failed');
  expect((await fetch(uri)).status).toBe(404);
  expect((await rack.ask('GET', rack.bmc.systemPath)).body.Boot.HttpBootUri).toBeNull();
  await daemon.stop();
}, 240_000);
