import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ImageServer } from '../../../lab/image-server.js';
import { createFleet, directBoot, type Fleet, type SimulatedNode } from '../../../lab/simulated/fleet.js';
import type { SimulatedEvent } from '../../../lab/simulated/simulated-machine.js';

const run = promisify(execFile);
const TOKEN = 'canary-agent-token-0123456789-abcdefghij';
const MIB = 1024 * 1024;

interface Beat {
  callback_url: string;
  agent_token: string;
  agent_verify_ca: string;
}
interface Command {
  id: string;
  command_name: string;
  command_status: string;
  command_error: { type: string; message: string; details: string } | null;
  command_result: Record<string, unknown> | null;
}

/** Boot files, lookup and heartbeat, as little of a conductor as there can be. */
class Conductor {
  readonly beats = new Map<string, Beat[]>();
  readonly lookups: string[] = [];
  readonly sources: string[] = [];
  refuse = 0;
  private constructor(readonly server: Server) {}
  static async listen(): Promise<Conductor> {
    const server = createServer();
    const conductor = new Conductor(server);
    server.on('request', (request, response) => {
      const url = new URL(request.url ?? '/', 'http://conductor');
      const { pathname } = url;
      conductor.sources.push(request.socket.remoteAddress ?? '');
      const send = (status: number, body: unknown) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(typeof body === 'string' ? body : JSON.stringify(body));
      };
      if (pathname === '/boot.ipxe') send(200, `#!ipxe\nchain pxelinux.cfg/\${net0/mac:hexhyp} || exit 0\n`);
      else if (pathname.startsWith('/pxelinux.cfg/52-54-00')) {
        const line = `ipa-api-url=${conductor.url} BOOTIF=\${mac} initrd=ramdisk`;
        send(200, `#!ipxe\nkernel /kernel ${line}\ninitrd --name ramdisk /ramdisk\nboot\n`);
      } else if (pathname === '/kernel' || pathname === '/ramdisk') send(200, 'x'.repeat(100_000));
      else if (pathname === '/v1/lookup') {
        if (conductor.refuse-- > 0) return send(404, {});
        const mac = url.searchParams.get('addresses')!;
        conductor.lookups.push(mac);
        send(200, { node: { uuid: `node-${mac}` }, config: { heartbeat_timeout: 300, agent_token: TOKEN } });
      } else if (pathname.startsWith('/v1/heartbeat/')) {
        const uuid = pathname.split('/')[3]!;
        let body = '';
        request.on('data', (chunk) => {
          body += chunk;
        });
        request.on('end', () => {
          conductor.beats.set(uuid, [...(conductor.beats.get(uuid) ?? []), JSON.parse(body) as Beat]);
          send(202, '');
        });
      } else send(404, {});
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return conductor;
  }
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
  async beat(node: SimulatedNode, count = 1): Promise<Beat> {
    for (let i = 0; i < 500; i++) {
      const beats = this.beats.get(`node-${node.mac}`) ?? [];
      if (beats.length >= count) return beats.at(-1)!;
      await sleep(10);
    }
    throw new Error(`no heartbeat ${count} of ${node.name}`);
  }
}

describe('simulated machines', () => {
  let directory: string;
  let conductor: Conductor;
  let images: ImageServer;
  let fleet: Fleet;
  let node: SimulatedNode;
  const events: [string, SimulatedEvent][] = [];
  const image = Buffer.concat([Buffer.from('boot code'), Buffer.alloc(3 * MIB), Buffer.alloc(MIB, 7)]);
  image.writeUInt16BE(0x55aa, 510);
  const info = () => ({
    id: 'an-image',
    urls: [images.url('/image')],
    disk_format: 'raw',
    os_hash_algo: 'sha256',
    os_hash_value: createHash('sha256').update(image).digest('hex'),
  });

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'lab-fleet-'));
    events.length = 0;
    conductor = await Conductor.listen();
    images = await ImageServer.listen();
    images.publish('/image', image);
    fleet = await createFleet({
      count: 3,
      directory: join(directory, 'disks'),
      boot: directBoot(`${conductor.url}/boot.ipxe`),
      firstAddress: '127.65.0.1',
      bmcPort: 6230,
      timing: { lookupRetry: 20, heartbeatGap: 20 },
      onEvent: (name, event) => events.push([name, event]),
    });
    node = fleet.nodes[1]!;
    writeFileSync(join(directory, 'password'), 'simulated');
  });
  afterEach(async () => {
    await fleet.close();
    await images.close();
    conductor.server.closeAllConnections();
    conductor.server.close();
    expect(existsSync(join(directory, 'disks')), 'nothing is left of the fleet').toBe(false);
    rmSync(directory, { recursive: true });
  });

  const ipmi = async (...args: string[]) => {
    const { host, port } = node.address;
    const fixed = [
      '-I',
      'lanplus',
      '-H',
      host,
      '-p',
      String(port),
      '-U',
      'admin',
      '-f',
      join(directory, 'password'),
    ];
    return (await run('ipmitool', [...fixed, ...args])).stdout.trim();
  };
  /** curl, so that another TLS than Node's judges certificate and address. */
  const curl = async (beat: Beat, path: string, body?: unknown) => {
    const authority = join(directory, 'agent.pem');
    writeFileSync(authority, beat.agent_verify_ca);
    const data =
      body === undefined ? [] : ['-H', 'content-type: application/json', '-d', JSON.stringify(body)];
    const args = [
      '-sS',
      '--cacert',
      authority,
      '-w',
      '\n%{http_code}',
      ...data,
      `${beat.callback_url}${path}`,
    ];
    const { stdout } = await run('curl', args, { maxBuffer: 4 * MIB });
    const at = stdout.lastIndexOf('\n');
    return { status: Number(stdout.slice(at + 1)), body: JSON.parse(stdout.slice(0, at)) as Command };
  };
  const command = (beat: Beat, name: string, params: object, wait = true) =>
    curl(beat, `/v1/commands?wait=${wait}&agent_token=${TOKEN}`, { name, params });
  const bootAgent = async () => {
    await ipmi('chassis', 'bootdev', 'pxe');
    await ipmi('power', 'on');
    return conductor.beat(node);
  };
  const phase = async (wanted: string) => {
    for (let i = 0; i < 300 && node.machine.phase !== wanted; i++) await sleep(10);
    expect(node.machine.phase).toBe(wanted);
  };

  it('boots its agent on power on, is deployed, and boots its disk afterwards', async () => {
    const beat = await bootAgent();
    expect(events.filter(([, event]) => event.kind === 'loaded')).toHaveLength(2);
    expect(beat.callback_url).toBe('https://127.65.0.2:9999');
    expect(beat.agent_token).toBe(TOKEN);
    expect(new Set(conductor.sources), 'comes from its own address').toEqual(new Set(['127.65.0.2']));

    const steps = await command(beat, 'deploy.get_deploy_steps', { node: {}, ports: [] });
    expect(steps.body.command_status).toBe('SUCCEEDED');
    const version = steps.body.command_result!['hardware_manager_version'];
    const configdrive = Buffer.from('a drive').toString('base64');
    const step = { step: 'write_image', interface: 'deploy', args: { image_info: info(), configdrive } };
    const started = await command(
      beat,
      'deploy.execute_deploy_step',
      { step, node: {}, ports: [], deploy_version: version },
      false,
    );
    expect(started.body.command_status).toBe('RUNNING');
    await conductor.beat(node, 2); // the end of the command makes it beat at once
    const ended = await curl(beat, `/v1/commands/${started.body.id}?agent_token=${TOKEN}`);
    expect(ended.body).toMatchObject({ command_name: 'execute_deploy_step', command_status: 'SUCCEEDED' });
    expect(ended.body.command_result).toMatchObject({ deploy_step: step });
    const { path } = node.machine.disk;
    expect(readFileSync(path).equals(image)).toBe(true);
    expect(statSync(path).blocks * 512, 'zeros take no room').toBeLessThan(2 * MIB);
    expect(readFileSync(`${path}.config-2`, 'utf8')).toBe('a drive');

    for (const name of ['standby.sync', 'standby.get_partition_uuids', 'log.collect_system_logs'])
      expect((await command(beat, name, {})).body.command_status, name).toBe('SUCCEEDED');
    expect((await command(beat, 'standby.power_off', {})).body.command_status).toBe('SUCCEEDED');
    await phase('off');
    expect(await ipmi('power', 'status')).toBe('Chassis Power is off');
    await ipmi('chassis', 'bootdev', 'disk', 'options=persistent');
    await ipmi('power', 'on');
    await phase('system');
    expect(conductor.lookups).toHaveLength(1);
  });

  it('takes a partition image, and starts from it once it has a boot loader', async () => {
    const beat = await bootAgent();
    const write = async (image_info: object) =>
      (
        await command(beat, 'deploy.execute_deploy_step', {
          step: { step: 'write_image', interface: 'deploy', args: { image_info } },
          node: {},
          ports: [],
        })
      ).body;
    const partition = { ...info(), image_type: 'partition', deploy_boot_mode: 'uefi' };
    expect((await write({ ...partition, root_mb: 10 ** 9 })).command_error?.details).toContain('no room');
    expect((await write({ ...partition, root_mb: 16 })).command_status).toBe('SUCCEEDED');
    const { path } = node.machine.disk;
    expect(readFileSync(path).subarray(MIB).equals(image)).toBe(true);
    expect(await node.machine.disk.bootable(), 'without a boot loader').toBe(false);
    const uuids = (await command(beat, 'standby.get_partition_uuids', {})).body.command_result!;
    expect(uuids).toEqual({
      'root uuid': expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      'efi system partition uuid': 'CAFE-0001',
    });
    const install = async (root_uuid: unknown) =>
      (await command(beat, 'image.install_bootloader', { root_uuid })).body;
    expect((await install('another')).command_error?.details).toContain('No partition with UUID another');
    expect((await install(uuids['root uuid'])).command_status).toBe('SUCCEEDED');
    expect(await node.machine.disk.bootable()).toBe(true);
  });

  it('erases its disk in cleaning, so that it comes back to the network', async () => {
    writeFileSync(node.machine.disk.path, image);
    const beat = await bootAgent();
    const { body } = await command(beat, 'clean.get_clean_steps', { node: {}, ports: [] });
    const clean_steps = body.command_result!['clean_steps'] as Record<
      string,
      { step: string; priority: number }[]
    >;
    const automatic = Object.values(clean_steps)
      .flat()
      .filter(({ priority }) => priority > 0);
    expect(automatic.map(({ step }) => step)).toEqual(['erase_devices_metadata', 'erase_devices']);
    const step = automatic[0]!;
    const done = await command(beat, 'clean.execute_clean_step', { step, node: {}, ports: [] });
    expect(done.body.command_result).toEqual({ clean_result: null, clean_step: step });
    await ipmi('power', 'cycle');
    const rebooted = await conductor.beat(node, 3);
    expect(conductor.lookups).toHaveLength(2);
    expect(rebooted.agent_verify_ca, 'each boot makes its own').not.toBe(beat.agent_verify_ca);
    const stale = { generic_hardware_manager: '0.1' };
    const again = await command(rebooted, 'clean.execute_clean_step', {
      step,
      node: {},
      ports: [],
      clean_version: stale,
    });
    expect(again.body.command_status).toBe('CLEAN_VERSION_MISMATCH');
  });

  it('answers the agent errors: token, unknown extension and command, busy, unsupported formats', async () => {
    const beat = await bootAgent();
    expect((await curl(beat, '/v1/commands?agent_token=wrong')).status).toBe(401);
    expect((await command(beat, 'frob.nicate', {})).status).toBe(404);
    expect((await command(beat, 'standby.frobnicate', {})).status).toBe(400);
    node.machine.setFaults({ kind: 'slow', delay: 1_000 });
    const erase = { step: { step: 'erase_devices' }, node: {}, ports: [] };
    await command(beat, 'clean.execute_clean_step', erase, false);
    expect((await command(beat, 'standby.sync', {})).status).toBe(409);
    await conductor.beat(node, 2);
    const qcow2 = { ...info(), disk_format: 'qcow2' };
    const refused = await command(beat, 'standby.prepare_image', { image_info: qcow2 });
    expect(refused.body.command_status).toBe('FAILED');
    expect(refused.body.command_error!.details).toContain('qcow2 is not supported');
  });

  it('fails on a corrupt, a cut and a vanished image', async () => {
    const beat = await bootAgent();
    const write = async () => (await command(beat, 'standby.prepare_image', { image_info: info() })).body;
    images.setFaults('/image', { kind: 'corrupt', at: 4_000_000 });
    expect((await write()).command_error).toMatchObject({ type: 'ImageChecksumError' });
    expect(await node.machine.disk.bootable()).toBe(false);
    images.setFaults('/image', { kind: 'reset', after: MIB });
    expect((await write()).command_error).toMatchObject({ type: 'ImageDownloadError' });
    images.setFaults('/image', { kind: 'status', code: 503 });
    expect((await write()).command_error!.details).toContain('503');
    images.setFaults('/image');
    node.machine.setFaults({ kind: 'wrong-checksum' });
    expect((await write()).command_error).toMatchObject({ type: 'ImageChecksumError' });
    node.machine.setFaults();
    expect((await write()).command_status).toBe('SUCCEEDED');
  });

  it('vanishes in the middle of a write, fails at a step, or never speaks', async () => {
    const beat = await bootAgent();
    node.machine.setFaults({ kind: 'step-fails', step: 'erase_devices' });
    const erase = { step: { step: 'erase_devices' }, node: {}, ports: [] };
    expect((await command(beat, 'clean.execute_clean_step', erase)).body.command_status).toBe('FAILED');
    node.machine.setFaults({ kind: 'gone-mid-write', after: MIB });
    await expect(command(beat, 'standby.prepare_image', { image_info: info() })).rejects.toThrow(/curl/);
    await expect(curl(beat, '/v1/status')).rejects.toThrow(/refused|connect/i);
    expect(await ipmi('power', 'status')).toBe('Chassis Power is on');

    const beats = conductor.beats.get(`node-${node.mac}`)!.length;
    node.machine.setFaults({ kind: 'never-heartbeats' });
    await ipmi('power', 'off');
    await ipmi('chassis', 'bootdev', 'pxe');
    await ipmi('power', 'on');
    for (let i = 0; i < 300 && conductor.lookups.length < 2; i++) await sleep(10);
    await sleep(100);
    expect(conductor.lookups).toHaveLength(2);
    expect(conductor.beats.get(`node-${node.mac}`)).toHaveLength(beats);
  });

  it('asks again while the lookup is refused, and stops with the power', async () => {
    conductor.refuse = 5;
    await bootAgent();
    const refused = events.filter(([, event]) => event.kind === 'lookup-refused');
    expect(refused).toHaveLength(5);
    await ipmi('power', 'off');
    const { length } = events;
    await sleep(200);
    expect(events).toHaveLength(length);
  });

  it('is stuck, but on, with nothing to boot', async () => {
    conductor.server.closeAllConnections();
    conductor.server.close();
    await ipmi('power', 'on');
    await phase('stuck');
    expect(await ipmi('power', 'status')).toBe('Chassis Power is on');
    await ipmi('power', 'off');
  });
});

describe('a thousand simulated machines', () => {
  it('stand in one process, each with its BMC', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'lab-thousand-'));
    const conductor = await Conductor.listen();
    const before = process.memoryUsage().rss;
    const started = performance.now();
    const fleet = await createFleet({
      count: 1_000,
      directory,
      boot: directBoot(`${conductor.url}/boot.ipxe`),
      firstAddress: '127.66.0.1',
      bmcPort: 6230,
      timing: { heartbeatGap: 60_000 },
    });
    const made = performance.now() - started;
    expect(fleet.nodes[999]!.address.host).toBe('127.66.3.232');
    for (const { machine } of fleet.nodes) await machine.on();
    for (let i = 0; i < 4_000 && conductor.beats.size < 1_000; i++) await sleep(10);
    const booted = performance.now() - started - made;
    expect(conductor.beats.size).toBe(1_000);
    const grown = (process.memoryUsage().rss - before) / MIB;
    console.log(
      `1000 machines: made ${made.toFixed(0)} ms, agents up ${booted.toFixed(0)} ms, ${grown.toFixed(0)} MiB`,
    );
    expect(grown).toBeLessThan(400);
    await fleet.close();
    conductor.server.closeAllConnections();
    conductor.server.close();
  });
});
