// Simulated machines deployed by UUIDs of images alone: of the Image service inside, and of Debian's glance-api.
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFleet, directBoot } from '../../lab/simulated/fleet.js';
import { runCommand } from '../../src/platform/run-command.js';
import { DaemonHome, type RunningDaemon } from '../support/daemon.js';
import { freePort } from '../support/free-port.js';
import { startGlance } from '../support/glance.js';

const MIB = 2 ** 20;

let work: string;
/** By name: bytes that are uploaded, and for disks what must be on them in the end. */
let kernel: Buffer;
let ramdisk: Buffer;
let fileSystem: Buffer;
let wholeDisk: Buffer;
const qcow2 = (name: string) => readFileSync(join(work, `${name}.qcow2`));

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'ferric-image-deploy-'));
  const run = (file: string, args: string[], stdin?: string) =>
    runCommand({ file, args, timeout: 60_000, ...(stdin === undefined ? {} : { stdin }) });
  [kernel, ramdisk] = [randomBytes(300_000), randomBytes(700_000)];
  // What a partition image is looked into for: GRUB's installer and its modules.
  const root = join(work, 'root');
  for (const path of ['usr/sbin/grub-install', 'usr/lib/grub/x86_64-efi/kernel.img', 'data']) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), randomBytes(50_000));
  }
  await run('/sbin/mke2fs', ['-q', '-F', '-t', 'ext4', '-d', root, join(work, 'partition.raw'), '16M']);
  writeFileSync(join(work, 'whole.raw'), randomBytes(9 * MIB));
  truncateSync(join(work, 'whole.raw'), 24 * MIB);
  await run('/sbin/sfdisk', ['-q', join(work, 'whole.raw')], ',,L\n');
  for (const name of ['partition', 'whole']) {
    const [raw, packed] = [join(work, `${name}.raw`), join(work, `${name}.qcow2`)];
    await run('qemu-img', ['convert', '-c', '-O', 'qcow2', raw, packed]);
  }
  fileSystem = readFileSync(join(work, 'partition.raw'));
  wholeDisk = readFileSync(join(work, 'whole.raw'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

describe.each(['the Image service inside', 'Debian’s glance-api'])('images of %s', (where) => {
  it('deploy a whole-disk image, and a partition image with its kernel and ramdisk, by UUIDs', async () => {
    await using parts = new AsyncDisposableStack();
    const glance = where.startsWith('Debian') ? await startGlance({ publicize_image: '' }) : undefined;
    if (glance) parts.defer(() => glance.stop());
    const http = await freePort();
    const home = new DaemonHome({
      netboot: { http: { port: http } },
      // Nothing but the Image service may be asked.
      image: { allowed_networks: [], ...(glance ? { glance: { url: glance.url } } : {}) },
      conductor: { automated_clean: false },
      deploy: { command_wait_interval: 0.2, post_deploy_get_power_state_retry_interval: 0.2 },
    });
    parts.defer(() => home.remove());
    const loaded: [string, number][] = [];
    const fleet = parts.use(
      await createFleet({
        count: 2,
        directory: join(home.directory, 'disks'),
        boot: directBoot(`http://127.0.0.1:${http}/boot.ipxe`),
        firstAddress: glance ? '127.79.0.1' : '127.79.1.1',
        diskSize: 2 * 2 ** 30,
        onEvent: (_, event) => {
          if (event.kind === 'loaded') loaded.push([event.url.split('/').at(-1)!, event.bytes]);
        },
      }),
    );
    const daemon = await home.start();
    const service = `${glance?.url ?? daemon.url}/v2/images`;
    const pair = {
      kernel_id: await upload(service, 'aki', kernel),
      ramdisk_id: await upload(service, 'ari', ramdisk),
    };
    const [deploy_kernel, deploy_ramdisk] = [
      await upload(service, 'aki', kernel),
      await upload(service, 'ari', ramdisk),
    ];
    const images = [
      { image_source: await upload(service, 'qcow2', qcow2('whole')) },
      { image_source: await upload(service, 'qcow2', qcow2('partition'), pair), root_gb: 1 },
    ];
    await Promise.all(
      fleet.nodes.map(async (machine, index) => {
        const { uuid, mac, address, users } = machine;
        await daemon.api('POST', '/v1/nodes', {
          uuid,
          driver: 'ipmi',
          driver_info: {
            ipmi_address: address.host,
            ipmi_port: address.port,
            ipmi_username: users[0]!.name,
            ipmi_password: users[0]!.password,
            deploy_kernel,
            deploy_ramdisk,
          },
          instance_info: images[index],
        });
        await daemon.api('POST', '/v1/ports', { node_uuid: uuid, address: mac });
        for (const [target, state] of [
          ['manage', 'manageable'],
          ['provide', 'available'],
          ['active', 'active'],
        ] as const) {
          await reach(daemon, uuid, target, state);
        }
      }),
    );
    const onDisk = async (index: number, from: number, length: number) =>
      sha256(await fleet.nodes[index]!.machine.disk.read(from, length));
    // The boot loader's sector is the simulated machine's own, behind it stands the image.
    expect(await onDisk(0, 512, wholeDisk.length - 512)).toBe(sha256(wholeDisk.subarray(512)));
    expect(await onDisk(1, MIB, fileSystem.length)).toBe(sha256(fileSystem));
    expect(new Set(loaded.map(([name, bytes]) => `${name} ${bytes}`))).toEqual(
      new Set([`deploy_kernel ${kernel.length}`, `deploy_ramdisk ${ramdisk.length}`]),
    );
  });
});

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function upload(service: string, format: string, bytes: Buffer, properties = {}): Promise<string> {
  const container = format === 'qcow2' ? 'bare' : format;
  const ask = async (url: string, method: string, type: string, body: string | Uint8Array<ArrayBuffer>) => {
    const answer = await fetch(url, { method, headers: { 'content-type': type }, body });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text}`);
    return text;
  };
  const fields = { disk_format: format, container_format: container, visibility: 'public', ...properties };
  const made = await ask(service, 'POST', 'application/json', JSON.stringify(fields));
  const { id } = JSON.parse(made) as { id: string };
  await ask(`${service}/${id}/file`, 'PUT', 'application/octet-stream', new Uint8Array(bytes));
  return id;
}

async function reach(daemon: RunningDaemon, uuid: string, target: string, state: string): Promise<void> {
  await daemon.api('PUT', `/v1/nodes/${uuid}/states/provision`, { target });
  for (let look = 0; look < 900; look++) {
    const node = await daemon.api('GET', `/v1/nodes/${uuid}`);
    if (node['provision_state'] === state && node['target_provision_state'] === null) return;
    if (/fail/.test(String(node['provision_state']))) throw new Error(String(node['last_error']));
    await sleep(100);
  }
  throw new Error(`${uuid} did not become ${state}`);
}
