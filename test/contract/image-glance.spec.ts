// The UUID path against Debian's glance-api, with images made by Debian's openstack client.
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/platform/run-command.js';
import { type Glance, startGlance } from '../support/glance.js';
import { type ImageBed, imageBed, noise } from '../support/image-service.js';

const disk = noise(3 << 20);
let glance: Glance;
let bed: ImageBed;
let kernel: string;
let image: string;
let qcow2: string;

async function create(name: string, file: string, format: string, ...more: string[]): Promise<string> {
  const args = ['create', '--disk-format', format, '--container-format', 'bare', '--file', file, ...more];
  return (await glance.openstack(...args, '-f', 'value', '-c', 'id', name)).trim();
}

beforeAll(async () => {
  // Without Keystone no client has a role: the login that Ferric has at a site is an administrator's.
  const asAdmin = [
    'add_image',
    'get_image',
    'communitize_image',
    'publicize_image',
    'add_member',
    'get_member',
  ];
  glance = await startGlance(Object.fromEntries(asAdmin.map((rule) => [rule, ''])));
  // No network is allowed to users' URLs: the configured Image service is reached all the same.
  // A real Glance's first answer takes longer than a server of the test's own.
  bed = await imageBed({ allowed_networks: [], glance: { url: `${glance.url}/` }, idle_timeout: 30 });
  const raw = join(bed.directory, 'disk.raw');
  const packed = join(bed.directory, 'disk.qcow2');
  await writeFile(raw, disk);
  await runCommand({ file: 'qemu-img', args: ['convert', '-O', 'qcow2', raw, packed], timeout: 20_000 });
  kernel = await create('my-vmlinuz', raw, 'aki');
  image = await create(
    'my-image',
    raw,
    'raw',
    '--property',
    `kernel_id=${kernel}`,
    '--property',
    `ramdisk_id=${kernel}`,
  );
  qcow2 = await create('whole', packed, 'qcow2');
});
afterAll(async () => {
  await bed?.close();
  await glance?.stop();
});

describe('an image by UUID', () => {
  it('is resolved with size, format, the service’s checksum, and its kernel and ramdisk', async () => {
    expect(await bed.service.resolve(image)).toEqual({
      href: `glance://${image}`,
      size: disk.length,
      disk_format: 'raw',
      checksum: { algo: 'sha512', value: createHash('sha512').update(disk).digest('hex') },
      kernel_id: kernel,
      ramdisk_id: kernel,
      whole_disk: false,
    });
    expect(await bed.service.resolve(`glance://${qcow2}`)).toMatchObject({
      disk_format: 'qcow2',
      whole_disk: true,
    });
    expect((await bed.service.resolve(image, { image_type: 'whole-disk' })).whole_disk).toBe(true);
  });

  it('is fetched once, checked, and cached under its UUID', async () => {
    const { checksum } = await bed.service.resolve(image);
    const first = await bed.service.fetchTo(image, bed.target(), { checksum: checksum! });
    expect(await readFile(first.path)).toEqual(disk);
    expect(first.from_cache).toBe(false);
    expect((await bed.service.fetchTo(image, bed.target(), { checksum: checksum! })).from_cache).toBe(true);
    expect(await bed.masters()).toContain(image);
    expect((await bed.service.fetchTo(kernel, bed.target(), { opaque: true })).size).toBe(disk.length);
  });

  it('is converted to raw', async () => {
    const { checksum, disk_format } = await bed.service.resolve(qcow2);
    const fetched = await bed.service.fetchTo(qcow2, bed.target(), {
      checksum: checksum!,
      disk_format: disk_format!,
      force_raw: true,
    });
    expect(await readFile(fetched.path)).toEqual(disk);
    expect(await bed.masters()).toContain(`${qcow2}.converted`);
  });

  it('that is not there, or not active, fails clearly', async () => {
    const unknown = '0b9f3c1e-5c2a-4f6e-9d67-2f1d3c1f0a11';
    await expect(bed.service.resolve(unknown)).rejects.toMatchObject({ code: 'not-found' });
    await expect(bed.service.fetchTo(unknown, bed.target())).rejects.toMatchObject({ code: 'not-found' });
    const answer = await fetch(`${glance.url}/v2/images`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'queued', disk_format: 'raw', container_format: 'bare' }),
    });
    const { id } = (await answer.json()) as { id: string };
    await expect(bed.service.resolve(id)).rejects.toThrow(`Image ${id} is not active but queued.`);
  });

  it('passes validate with a service configured, and not without', async () => {
    bed.service.validate({ image_source: image });
    const bare = await imageBed();
    expect(() => bare.service.validate({ image_source: image })).toThrow('none is configured');
    await expect(bare.service.resolve(image)).rejects.toMatchObject({ code: 'invalid' });
    await bare.close();
  });

  it('who may see one follows owner, visibility and members', async () => {
    const { glance: client } = bed.service;
    const send = (path: string, body: object) =>
      fetch(`${glance.url}/v2/images${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }).then(async (answer) => {
        expect([path, answer.status, answer.ok ? '' : await answer.clone().text()]).toEqual([
          path,
          answer.status,
          '',
        ]);
        return (await answer.json()) as { id: string };
      });
    const make = async (visibility: string) =>
      (await send('', { disk_format: 'raw', container_format: 'bare', owner: 'mine', visibility })).id;
    const sees = async (id: string, project: string | null) =>
      (await client!.sightOf(id, project, AbortSignal.timeout(30_000)))?.visible;
    const shared = await make('shared');
    await send(`/${shared}/members`, { member: 'member' });
    const who = ['mine', 'member', 'stranger', null];
    const rows = [
      [await make('private'), 1],
      [shared, 2],
      [await make('community'), 4],
      [await make('public'), 4],
    ];
    for (const [id, count] of rows as [string, number][]) {
      const seen = await Promise.all(who.map((project) => sees(id, project)));
      expect(seen).toEqual(who.map((_, index) => index < count));
    }
    expect(await sees('11111111-2222-4333-8444-555555555555', 'mine')).toBeUndefined();
  });
});
