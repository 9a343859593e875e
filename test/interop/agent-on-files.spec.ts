// Our deploy agent, in this process and on a file for a disk, under Debian's ironic-api and ironic-conductor with fake
// power: the protocol alone, in seconds, and without a virtual machine.
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { Agent } from '../../agent/src/agent.js';
import { BareMetalApi } from '../../demo/bare-metal-api.js';
import { ImageServer } from '../../lab/image-server.js';
import { agentSettings, parseKernelCommandLine } from '../../src/protocol/agent/kernel-parameters.js';
import { asQcow2, diskImage, sha256 } from '../support/agent/disk-image.js';
import { FileMachine, MAC } from '../support/agent/file-machine.js';
import { compareWithImage, isBlank } from '../support/e2e/disk.js';
import { ExchangeRecorder } from '../support/peer/exchange-recorder.js';
import { type IronicPeer, startIronicPeer } from '../support/peer/ironic.js';
import { namesOf, toRecord, writeRecording } from '../support/peer/recording.js';

const MINUTES = 60_000;
const image = diskImage('gpt', 8);
const packed = asQcow2(image, '-c');

let peer: IronicPeer;
let recorder: ExchangeRecorder;
let images: ImageServer;
let api: BareMetalApi;
let uuid: string;
const machine = new FileMachine();
const lines: string[] = [];

async function listening() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** Runs the agent, as a machine does that boots its ramdisk, while `act` goes on: from when the node is in `state`. */
async function inRamdisk<T>(state: string, act: (onLook: Looking) => Promise<T>): Promise<T> {
  let agent: Agent | undefined;
  let started: Promise<void> | undefined;
  const boot = async () => {
    const line = `ipa-api-url=${recorder.apiUrl} ipa-listen-host=127.0.0.1 ipa-listen-port=0 ipa-disk-wait-delay=0`;
    agent = new Agent({
      settings: agentSettings(parseKernelCommandLine(line)),
      machine,
      log: { say: (text) => void lines.push(text), detail: () => undefined },
      scratchDir: peer.directory,
      stateDir: join(peer.directory, `boot${lines.length}`),
    });
    await agent.start();
  };
  try {
    const result = await act((node) => {
      if (node.provision_state === state) started ??= boot();
    });
    await started;
    return result;
  } finally {
    await agent?.stop();
  }
}
type Looking = (node: { provision_state: string }) => void;

beforeAll(async () => {
  recorder = await ExchangeRecorder.start({
    address: '127.0.0.1',
    servers: { api: await listening(), callback: await listening() },
  });
  images = await ImageServer.listen();
  peer = await startIronicPeer({
    config: {
      deploy: { http_url: images.url(''), erase_devices_priority: 0, erase_devices_metadata_priority: 10 },
      // Fake power never goes off by itself.
      agent: { post_deploy_get_power_state_retry_interval: 1, post_deploy_get_power_state_retries: 1 },
    },
  });
  recorder.behind = peer.endpoint;
  api = new BareMetalApi(peer.endpoint);
  for (const [file, bytes] of Object.entries({ 'image.raw': image, 'image.qcow2': packed })) {
    writeFileSync(join(peer.directory, file), bytes);
    images.publish(`/${file}`, join(peer.directory, file));
  }
  machine.addDisk(join(peer.directory, 'disk'), 5 * 2 ** 30);
  const node = await api.request('POST', '/v1/nodes', {
    driver: 'fake-hardware',
    deploy_interface: 'direct',
    management_interface: 'noop', // the fake one knows no disk to boot from
    properties: { capabilities: 'boot_mode:bios' },
  });
  uuid = String(node['uuid']);
  await api.request('POST', '/v1/ports', { address: MAC, node_uuid: uuid });
  await api.provision(uuid, 'manage');
  await api.waitForState(uuid, 'manageable', { timeout: MINUTES });
});
afterAll(async () => {
  if (toRecord) {
    const about =
      'Our agent on a file for a disk under ironic-api and ironic-conductor 21.4.4 of Debian 12: the tests of ' +
      'test/interop/agent-on-files.spec.ts in their order';
    writeRecording('agent-on-files', about, recorder.exchanges, namesOf(uuid, peer.directory));
  }
  await recorder?.stop();
  await peer?.stop();
  await images?.[Symbol.asyncDispose]();
});

const deploy =
  (hash: string, file = 'image.raw') =>
  async (onLook: Looking) => {
    await api.patch(uuid, {
      '/instance_info/image_source': images.url(`/${file}`),
      '/instance_info/image_os_hash_algo': 'sha256',
      '/instance_info/image_os_hash_value': hash,
    });
    await api.provision(uuid, 'active', { configdrive: { meta_data: { name: 'tenant-1' } } });
    return api.waitForState(uuid, 'active', { timeout: 2 * MINUTES, onLook });
  };
const provided = (verb: string) => async (onLook: Looking) => {
  await api.provision(uuid, verb);
  return api.waitForState(uuid, 'available', { timeout: 2 * MINUTES, onLook });
};

describe('our agent on files under Debian’s Ironic', () => {
  const withLogs = () =>
    onTestFailed(() => console.log([...lines, ...peer.log().split('\n').slice(-60)].join('\n')));

  const expectWritten = () => {
    const written = compareWithImage(machine.disks[0]!.name, join(peer.directory, 'image.raw'));
    expect(written.unexplained, 'first sector that differs').toBeNull();
  };

  it('erases what is on the disk', async () => {
    withLogs();
    const disk = machine.disks[0]!.name;
    writeFileSync(disk, image, { flag: 'r+' });
    await inRamdisk('clean wait', provided('provide'));
    expect(isBlank(disk, 0, 2 ** 20)).toBe(true);
  });

  it('fails a deployment whose image is not what was promised, and hands over its logs', async () => {
    withLogs();
    const since = recorder.exchanges.length;
    await expect(inRamdisk('wait call-back', deploy('0'.repeat(64)))).rejects.toThrow(
      /deploy failed.*checksum/is,
    );
    const said = recorder.exchanges.slice(since);
    expect(said.map(({ request }) => (request.body as { name?: string } | undefined)?.name)).toContain(
      'log.collect_system_logs',
    );
  });

  it('deploys it the next time', async () => {
    withLogs();
    expect(await inRamdisk('wait call-back', deploy(sha256(image)))).toMatchObject({ last_error: null });
    expect(machine.events).toContain('power off');
    expectWritten();
  });

  it('stays between cleaning and deployment where no reboot is wanted, and unpacks a qcow2', async () => {
    withLogs();
    await api.patch(uuid, { '/driver_info/fast_track': true });
    const since = lines.length;
    await inRamdisk('clean wait', async (onLook) => {
      await provided('deleted')(onLook);
      return deploy(sha256(packed), 'image.qcow2')(() => undefined);
    });
    expect(lines.slice(since).filter((line) => line.startsWith('looking up'))).toHaveLength(1);
    expectWritten();
    await api.patch(uuid, { '/driver_info/fast_track': false });
  });

  it('runs the steps of a manual cleaning', async () => {
    withLogs();
    await inRamdisk('clean wait', provided('deleted'));
    await api.provision(uuid, 'manage');
    await api.waitForState(uuid, 'manageable', { timeout: MINUTES });
    const clean_steps = [
      { interface: 'deploy', step: 'erase_devices_express' },
      { interface: 'deploy', step: 'erase_devices_metadata' },
    ];
    const since = lines.length;
    await inRamdisk('clean wait', async (onLook) => {
      await api.provision(uuid, 'clean', { clean_steps });
      return api.waitForState(uuid, 'manageable', { timeout: 2 * MINUTES, onLook });
    });
    const ran = lines.slice(since).filter((line) => line.startsWith('command clean.execute_clean_step SUCC'));
    expect(ran).toHaveLength(2);
  });
});
