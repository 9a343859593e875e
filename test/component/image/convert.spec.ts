import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../../../src/platform/run-command.js';
import { type ImageServer, startImageServer } from '../../support/image-server.js';
import { type ImageBed, imageBed, noise, sha256 } from '../../support/image-service.js';

/** The programs that are started, as Node.js itself reports them. (node:diagnostics_channel, `child_process`) */
const started: ChildProcess[] = [];
const heard = (message: unknown) => started.push((message as { process: ChildProcess }).process);
const spawned = () => started.map(({ spawnargs }) => spawnargs);

const MiB = 1 << 20;
const DATED = 'Sun, 06 Nov 1994 08:49:37 GMT';
let samples: string;
let server: ImageServer;
let bed: ImageBed;

beforeAll(async () => {
  subscribe('child_process', heard);
  samples = await mkdtemp(join(tmpdir(), 'ferric-samples-'));
  await writeFile(join(samples, 'disk.raw'), diskBytes());
});
afterAll(async () => {
  unsubscribe('child_process', heard);
  await rm(samples, { recursive: true });
});
beforeEach(async () => {
  server = await startImageServer();
  bed = await imageBed();
});
afterEach(async () => {
  await bed.close();
  await server.close();
});

/** A disk with a partition table, data, and a hole. */
function diskBytes(): Buffer {
  const disk = Buffer.alloc(10 * MiB);
  noise(MiB).copy(disk, 2 * MiB);
  Buffer.from('80202100834505010008000000480000', 'hex').copy(disk, 446);
  disk.writeUInt16LE(0xaa55, 510);
  return disk;
}

async function qemu(...args: string[]): Promise<void> {
  await runCommand({ file: 'qemu-img', args, timeout: 30_000 });
}
/** Makes an image with qemu-img and serves it. */
async function serve(name: string, ...args: string[]): Promise<Buffer> {
  const path = join(samples, name);
  await qemu(...args.map((arg) => arg.replace('DISK', join(samples, 'disk.raw')).replace('OUT', path)));
  const body = await readFile(path);
  server.images.set(`/${name}`, { body, lastModified: DATED });
  started.length = 0;
  return body;
}
const fetch = (name: string, options: object = {}) =>
  bed.service.fetchTo(`${server.url}/${name}`, bed.target(), options);
const converted = ['convert', '-f', 'raw', '-O'];

describe('conversion to raw', () => {
  it('gives the same disk as went in, sparse, with its own checksum, by one guarded qemu-img', async () => {
    const body = await serve('a.qcow2', ...converted, 'qcow2', 'DISK', 'OUT');
    const fetched = await fetch('a.qcow2', { checksum: sha256(body), disk_format: 'qcow2', force_raw: true });
    expect(fetched).toMatchObject({ disk_format: 'raw', size: 10 * MiB, from_cache: false });
    expect(await readFile(fetched.path)).toEqual(diskBytes());
    expect(fetched.sha256).toBe(sha256(diskBytes()).value);
    expect((await stat(fetched.path)).blocks * 512).toBeLessThan(3 * MiB);
    const [command, ...more] = spawned();
    expect(more).toEqual([]);
    expect(command!.slice(0, 6)).toEqual([
      'prlimit',
      '--as=2147483648',
      '--cpu=3600',
      `--fsize=${10 * MiB}`,
      '--core=0',
      '--',
    ]);
    expect(command!.slice(6, 12)).toEqual(['qemu-img', 'convert', '-f', 'qcow2', '-O', 'raw']);
    for (const path of command!.slice(12)) expect(path).toMatch(/^\/.*\.part$/);
    // Only the converted one is kept, under Ironic's name for it.
    expect(await bed.masters()).toEqual([expect.stringMatching(/^[0-9a-f-]{36}\.converted$/)]);
    expect(await fetch('a.qcow2', { checksum: sha256(body), force_raw: true })).toMatchObject({
      from_cache: true,
    });
    await expect(fetch('a.qcow2', { checksum: sha256(noise(1)), force_raw: true })).rejects.toThrow(
      'checksum',
    );
    expect(server.count('GET')).toBe(2);
  });

  it('starts from the cached original where there is one', async () => {
    await serve('a.qcow2', ...converted, 'qcow2', 'DISK', 'OUT');
    expect(await fetch('a.qcow2', { force_raw: false })).toMatchObject({ disk_format: 'qcow2' });
    expect(spawned()).toEqual([]);
    expect(await fetch('a.qcow2', { force_raw: true })).toMatchObject({ disk_format: 'raw', size: 10 * MiB });
    expect(server.count('GET')).toBe(1);
  });

  it('of a fixed vhd that is called one, without its footer', async () => {
    await serve('a.vhd', ...converted, 'vpc', '-o', 'subformat=fixed,force_size=on', 'DISK', 'OUT');
    const named = { disk_format: 'vhd', permitted: ['vhd'], force_raw: true };
    expect((await fetch('a.vhd', named)).sha256).toBe(sha256(diskBytes()).value);
    expect(await fetch('a.vhd', { permitted: ['raw'], force_raw: false })).toMatchObject({
      disk_format: 'raw',
      size: 10 * MiB + 512,
    });
  });

  it.each(['vmdk', 'vpc', 'vhdx', 'vdi'])('of %s where that is permitted', async (format) => {
    const options = format === 'vpc' ? ['-o', 'force_size=on'] : [];
    await serve(`a.${format}`, ...converted, format, ...options, 'DISK', 'OUT');
    const fetched = await fetch(`a.${format}`, {
      permitted: ['raw', 'vmdk', 'vhd', 'vhdx', 'vdi'],
      force_raw: true,
    });
    expect(fetched.sha256).toBe(sha256(diskBytes()).value);
  });

  it('is not done to raw disks, ISOs, and kernels', async () => {
    const iso = Buffer.alloc(64 * 1024);
    iso.write('\x01CD001\x01', 0x8000, 'latin1');
    const kernel = Buffer.from('MZ'.padEnd(510, '\0') + 'U\xaa' + 'kernel', 'latin1');
    started.length = 0;
    for (const [name, body, format] of [
      ['disk', diskBytes(), 'raw'],
      ['iso', iso, 'iso'],
      ['plain', noise(MiB), 'raw'],
    ] as const) {
      server.images.set(`/${name}`, { body, lastModified: DATED });
      expect(await fetch(name, { force_raw: true })).toMatchObject({
        disk_format: format,
        size: body.length,
      });
    }
    server.images.set('/kernel', { body: kernel, lastModified: DATED });
    expect((await fetch('kernel', { opaque: true })).size).toBe(kernel.length);
    await expect(fetch('kernel')).rejects.toThrow('MBR defines no partitions');
    expect(spawned()).toEqual([]);
  });
});

describe('refused before any disk tool sees it', () => {
  it.each<[string, string[], object, RegExp]>([
    [
      'a backing file',
      ['create', '-q', '-f', 'qcow2', '-u', '-b', '/etc/passwd', '-F', 'raw', 'OUT', '10M'],
      {},
      /backing file/,
    ],
    [
      'a data file',
      ['create', '-q', '-f', 'qcow2', '-o', 'data_file=OUT.data', 'OUT', '10M'],
      {},
      /external data file/,
    ],
    [
      'extended L2 entries',
      ['create', '-q', '-f', 'qcow2', '-o', 'extended_l2=on', 'OUT', '10M'],
      {},
      /unknown qcow2 features/,
    ],
    [
      'a bomb of 1 PiB',
      ['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=2M', 'OUT', '1024T'],
      {},
      /1125899906842624 bytes; the limit/,
    ],
    [
      'qcow2 declared raw',
      ['create', '-q', '-f', 'qcow2', 'OUT', '10M'],
      { disk_format: 'raw' },
      /declared as raw, but it is qcow2/,
    ],
    ['vmdk', ['create', '-q', '-f', 'vmdk', 'OUT', '10M'], {}, /permitted are raw, gpt, qcow2, iso/],
    [
      'vmdk with extents outside',
      ['create', '-q', '-f', 'vmdk', '-o', 'subformat=monolithicFlat', 'OUT', '10M'],
      { permitted: ['vmdk'] },
      /unsafe/,
    ],
    ['qed', ['create', '-q', '-f', 'qed', 'OUT', '10M'], { permitted: ['qed'] }, /unsafe/],
  ])('%s', async (_name, args, options, message) => {
    await serve('x', ...args);
    await expect(fetch('x', { force_raw: true, ...options })).rejects.toMatchObject({
      code: 'image-refused',
      message: expect.stringMatching(message) as string,
    });
    expect(spawned()).toEqual([]);
    expect(await bed.masters()).toEqual([]);
  });

  it('names that QEMU would take for a protocol', async () => {
    for (const name of ['json:{"driver":"nbd"}', 'nbd:localhost:1', 'fat:/etc', '-']) {
      await expect(bed.service.fetchTo(name, bed.target())).rejects.toMatchObject({ code: 'invalid' });
      await expect(bed.service.fetchTo(`${server.url}/x`, name)).rejects.toMatchObject({ code: 'invalid' });
    }
    // As part of a URL it is only a name: the file in the cache is called by a UUID.
    await serve('x', ...converted, 'qcow2', 'DISK', 'OUT');
    server.images.set('/json:%7B%22driver%22:%22nbd%22%7D', server.images.get('/x')!);
    expect((await fetch('json:%7B%22driver%22:%22nbd%22%7D', { force_raw: true })).size).toBe(10 * MiB);
    expect(spawned()[0]!.join(' ')).not.toContain('json:');
  });

  it('also what is cached already: it is judged for each use', async () => {
    await serve('x', 'create', '-q', '-f', 'qcow2', '-u', '-b', '/etc/passwd', '-F', 'raw', 'OUT', '10M');
    await fetch('x', { opaque: true });
    await expect(fetch('x', { force_raw: true })).rejects.toThrow('backing file');
    await expect(fetch('x', { force_raw: false })).rejects.toThrow('backing file');
    expect(spawned()).toEqual([]);
  });
});

describe('conversions that fail', () => {
  it.each<[string, (body: Buffer) => void]>([
    ['a table out of place', (body) => body.writeBigUInt64BE(5n, 40)],
    ['garbage behind the header', (body) => body.fill(0xff, 65_536, 300_000)],
  ])('%s', async (_name, harm) => {
    const body = await serve('x', ...converted, 'qcow2', 'DISK', 'OUT');
    harm(body);
    await expect(fetch('x', { force_raw: true })).rejects.toMatchObject({ code: 'image-refused' });
    expect(await bed.masters()).toEqual([]);
  });

  it('too slow for the wall clock', async () => {
    await truncate(join(samples, 'disk.raw'), 400 * MiB);
    await writeFile(join(samples, 'disk.raw'), noise(200 * MiB), { flag: 'r+' });
    await serve('x', ...converted, 'qcow2', 'DISK', 'OUT');
    await writeFile(join(samples, 'disk.raw'), diskBytes());
    await bed.close();
    const { ImageService } = await import('../../../src/image/image-service.js');
    const { imageServiceSettings } = await import('../../../src/image/settings.js');
    const { imageSection } = await import('../../../src/config/section/image.js');
    const settings = imageServiceSettings(imageSection.parse({ allowed_networks: ['127.0.0.0/8'] }), {
      dataDir: samples,
    });
    const service = new ImageService({ ...settings, convert: { ...settings.convert, timeout: 20 } });
    await service.start();
    await expect(
      service.fetchTo(`${server.url}/x`, join(samples, 'out'), { force_raw: true }),
    ).rejects.toMatchObject({
      code: 'image-unavailable',
      message: expect.stringContaining('did not end within 0.02 s') as string,
    });
    expect(await service.cacheList()).toEqual([]);
    await service.close();
  });

  it('stopped by the one who waits', async () => {
    await serve('x', ...converted, 'qcow2', 'DISK', 'OUT');
    const abort = new AbortController();
    const running = fetch('x', {
      force_raw: true,
      signal: abort.signal,
      onProgress: (bytes: number, total: number) => bytes === total && abort.abort(),
    });
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    await bed.service.close();
    expect(await bed.masters()).toEqual([]);
  });
});
