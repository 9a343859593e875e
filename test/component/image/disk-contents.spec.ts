// What is on a disk, with disks made by mke2fs, mkfs.xfs, sfdisk and qemu-img.
import { mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ImageServer } from '../../../lab/image-server.js';
import { diskContents } from '../../../src/image/look/disk-contents.js';
import { runCommand } from '../../../src/platform/run-command.js';
import { type ImageBed, imageBed } from '../../support/image-service.js';
import { isoImage } from '../../support/iso.js';

let home: string;
let bed: ImageBed;
const at = (name: string) => join(home, name);
const run = (file: string, args: string[], input?: string) =>
  runCommand({ file, args, timeout: 60_000, ...(input === undefined ? {} : { stdin: input }) });

async function blank(name: string, mib = 24): Promise<string> {
  await writeFile(at(name), '');
  await truncate(at(name), mib << 20);
  return at(name);
}
const packed = async (from: string, name: string, ...options: string[]) => {
  await run('qemu-img', ['convert', '-O', 'qcow2', ...options, at(from), at(name)]);
  return at(name);
};

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ferric-contents-'));
  bed = await imageBed({ allowed_file_paths: [home] });
  await run('/sbin/mke2fs', ['-q', '-t', 'ext4', '-F', await blank('ext4')]);
  await run('/sbin/sfdisk', ['-q', await blank('mbr')], ',,L\n');
  await run('/sbin/sfdisk', ['-q', await blank('gpt')], 'label: gpt\n,,L\n');
});
afterAll(async () => {
  await bed?.close();
  await rm(home, { recursive: true, force: true });
});

describe('what is on a disk', () => {
  it('is told from a raw file', async () => {
    expect(await diskContents(at('ext4'), 'raw')).toBe('filesystem');
    expect(await diskContents(at('mbr'), 'gpt')).toBe('partition-table');
    expect(await diskContents(at('gpt'), 'gpt')).toBe('partition-table');
    expect(await diskContents(await blank('zeros'), 'raw')).toBe('unknown');
    expect(await diskContents(at('zeros'), 'vmdk')).toBe('unseen');
  });

  it.each([
    ['none', [], 'plain-disc'],
    ['none', ['-udf', '-J', '-R'], 'plain-disc'],
    ['el-torito', [], 'optical-disc'],
    ['el-torito', ['-J', '-R', '-udf'], 'optical-disc'],
    ['hybrid', [], 'optical-disc'],
  ] as const)(
    'of an optical disc tells whether anything starts from it: %s %j',
    async (boot, more, contents) => {
      await writeFile(at('a.iso'), isoImage(boot, ...more));
      expect(await diskContents(at('a.iso'), 'iso')).toBe(contents);
    },
  );

  it.each<[string, string[]]>([
    ['plain', []],
    ['compressed', ['-c']],
    ['zstd', ['-c', '-o', 'compression_type=zstd']],
    ['of small clusters', ['-o', 'cluster_size=512']],
    ['of large clusters', ['-c', '-o', 'cluster_size=2M']],
    ['old', ['-o', 'compat=0.10']],
  ])('is told through the tables of a qcow2: %s', async (name, options) => {
    expect(await diskContents(await packed('ext4', `${name}.qcow2`, ...options), 'qcow2')).toBe('filesystem');
    expect(await diskContents(await packed('gpt', `${name}.qcow2`, ...options), 'qcow2')).toBe(
      'partition-table',
    );
    expect(await diskContents(await packed('zeros', `${name}.qcow2`, ...options), 'qcow2')).toBe('unknown');
  });

  it('finds a file system with a boot loader in its boot sector, and no table in that', async () => {
    const bytes = Buffer.alloc(0x10048);
    bytes.write('\xeb\x63\x90', 0, 'latin1');
    bytes.writeUInt16BE(0x55aa, 510);
    await writeFile(at('boot'), bytes);
    expect(await diskContents(at('boot'), 'raw')).toBe('boot-sector');
    bytes.writeUInt16LE(0xef53, 0x438);
    await writeFile(at('boot'), bytes);
    expect(await diskContents(at('boot'), 'raw')).toBe('filesystem');
  });
});

describe('an image that machines fetch themselves', () => {
  let server: ImageServer;
  const published = new Set<string>();
  beforeAll(async () => {
    server = await ImageServer.listen();
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  const check = async (
    path: string,
    disk_format: string,
    kind: 'whole-disk' | 'partition' = 'whole-disk',
  ) => {
    const name = `/${basename(path)}`;
    if (!published.has(name)) server.publish(name, path);
    published.add(name);
    const { size } = await stat(path);
    const signal = AbortSignal.timeout(10_000);
    await bed.service.checkKind(server.url(name), { size, disk_format, kind, signal });
  };

  it.each(['raw', 'qcow2'])('is looked at by ranges of it: %s', async (format) => {
    const sent = server.requests.length;
    const place = async (name: string) =>
      format === 'raw' ? at(name) : packed(name, `far-${name}.qcow2`, '-c');
    await check(await place('gpt'), format);
    const requests = server.requests.slice(sent);
    expect(requests.map(({ status }) => status)).toEqual(requests.map(() => 206));
    expect(requests.reduce((sum, one) => sum + one.sent, 0)).toBeLessThan(1 << 20);
    await expect(check(await place('ext4'), format)).rejects.toMatchObject({
      code: 'image-refused',
      message: expect.stringMatching(/bare file system without a partition table.*image_type to partition/),
    });
    await expect(check(await place('zeros'), format)).rejects.toThrow(
      'no partition table and no boot sector',
    );
    // Not what it is declared to be.
    if (format === 'qcow2')
      await expect(check(at('far-gpt.qcow2'), 'raw')).rejects.toThrow('declared as raw, but it is qcow2');
  });

  it.each([
    ['vmdk', 'vmdk', 'monolithicSparse'],
    ['vdi', 'vdi', undefined],
    ['vhdx', 'vhdx', undefined],
    ['vhd', 'vpc', undefined],
  ])('is known by its magic, whatever it is declared to be: %s', async (format, output, subformat) => {
    const path = at(`disk.${format}`);
    const options = subformat === undefined ? [] : ['-o', `subformat=${subformat}`];
    await run('qemu-img', ['convert', '-O', output, ...options, at('gpt'), path]);
    for (const declared of ['raw', 'qcow2'])
      await expect(check(path, declared)).rejects.toMatchObject({
        code: 'image-refused',
        message: `The image is declared as ${declared}, but it is ${format}.`,
      });
    await expect(check(path, format)).rejects.toThrow(`The image is ${format}; permitted are raw`);
  });

  it('is refused where it refers to other files', async () => {
    await packed('gpt', 'front.qcow2');
    await run('qemu-img', [
      'create',
      '-f',
      'qcow2',
      '-F',
      'qcow2',
      '-b',
      at('front.qcow2'),
      at('overlay.qcow2'),
    ]);
    await expect(check(at('overlay.qcow2'), 'qcow2')).rejects.toThrow('The image is unsafe');
  });

  it('is looked at where the server knows no ranges, too, as far as its first MiB', async () => {
    const name = '/ext4';
    server.publish(name, at('ext4'));
    published.add(name);
    server.setFaults(name, { kind: 'ignore-range' });
    await expect(check(at('ext4'), 'raw')).rejects.toThrow('bare file system');
  });

  it('fails clearly where it cannot be had', async () => {
    const options = { size: 100, disk_format: 'raw', kind: 'whole-disk' as const };
    await expect(
      bed.service.checkKind(server.url('/nowhere'), { ...options, signal: AbortSignal.timeout(9_000) }),
    ).rejects.toMatchObject({ code: 'image-unavailable', message: expect.stringContaining('status 404') });
  });
});

describe('an image that is going to be written as another kind', () => {
  it('is refused with what to do, and nothing is delivered', async () => {
    const disk = await packed('gpt', 'disk.qcow2', '-c');
    const partition = bed.service.fetchTo(`file://${disk}`, bed.target('p'), { kind: 'partition' });
    await expect(partition).rejects.toMatchObject({
      code: 'image-refused',
      message: expect.stringMatching(/begins with a partition table.*remove kernel_id/),
    });
    const whole = bed.service.fetchTo(`file://${at('ext4')}`, bed.target('w'), { kind: 'whole-disk' });
    await expect(whole).rejects.toMatchObject({ code: 'image-refused' });
    await expect(run('ls', [join(bed.directory, 'out')])).rejects.toThrow();
    const delivered = await bed.service.fetchTo(`file://${disk}`, bed.target('d'), {
      kind: 'whole-disk',
    });
    expect(delivered.disk_format).toBe('raw');
  });
});
