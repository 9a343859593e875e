import { execFileSync } from 'node:child_process';
import {
  createWriteStream,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildFat } from '../../../src/protocol/file-system/fat.js';
import type { Content } from '../../../src/protocol/iso/content.js';
import { type IsoOptions, layOutIso } from '../../../src/protocol/iso/write.js';

const run = (file: string, ...args: string[]) =>
  execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 2 ** 26 });
const text = (content: string) => new TextEncoder().encode(content);
const TIME = Date.UTC(2026, 0, 2, 3, 4, 5);

/** Bytes that differ at each place, made as they are read. */
function counted(size: number): Content {
  return {
    size,
    async *read(start, end) {
      for (let at = start; at < end; ) {
        const chunk = Buffer.alloc(Math.min(65_536, end - at));
        for (let i = 0; i < chunk.length; i++) chunk[i] = ((at + i) * 31) & 0xff;
        at += chunk.length;
        yield chunk;
      }
    },
  };
}

async function write(path: string, files: ReadonlyMap<string, Content>, options: IsoOptions): Promise<void> {
  await pipeline(Readable.from(layOutIso(files, options).read()), createWriteStream(path));
}

// Readers written by others: xorriso (libisofs), isoinfo (genisoimage), bsdtar (libarchive), blkid, fdisk, the kernel.
describe('a boot ISO', () => {
  let dir: string;
  let path: string;
  const grub = text('menuentry x {}\n');
  const isolinux = readFileSync('/usr/lib/ISOLINUX/isolinux.bin');
  const esp = buildFat(new Map([['EFI/BOOT/BOOTX64.EFI', text('MZ'.repeat(5000))]]), {
    label: 'EFIBOOT',
    sector: 512,
    time: TIME,
  });
  const files = new Map<string, Content>([
    ['vmlinuz', counted(123_457)],
    ['initrd', counted(5 * 2 ** 20)],
    ['empty', new Uint8Array(0)],
    ['isolinux/isolinux.bin', isolinux],
    ['isolinux/isolinux.cfg', text('default x\n')],
    ['boot/grub/efiboot.img', esp],
    ['boot/grub/grub.cfg', grub],
    ['.disk/info', text('a disc\n')],
    ['EFI/BOOT/grub.cfg', grub],
    ['openstack/latest/network_data.json', text('{"links":[]}')],
    ["names/it's a name; no, $(two) [of] them {ä}".replace(';', ','), text('odd')],
    [`names/${'long-'.repeat(12)}.txt`, text('long')],
  ]);

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'boot-iso-'));
    path = join(dir, 'boot.iso');
    const hybrid = readFileSync('/usr/lib/ISOLINUX/isohdpfx.bin');
    await write(path, files, {
      label: 'config-2',
      publisher: '11111111-2222-3333-4444-555555555555',
      time: TIME,
      boot: {
        catalog: 'isolinux/boot.cat',
        bios: 'isolinux/isolinux.bin',
        uefi: 'boot/grub/efiboot.img',
        hybrid,
      },
    });
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  it('is known by its label and its publisher', () => {
    expect(run('blkid', '-p', '-o', 'value', '-s', 'LABEL', path).trim()).toBe('config-2');
    const shown = run('isoinfo', '-d', '-i', path);
    expect(shown).toContain('Publisher id: 11111111-2222-3333-4444-555555555555');
    expect(shown).toMatch(/Joliet with UCS level 3 found[\s\S]*Rock Ridge signatures/);
  });

  it('has the boot entries that libisofs sees in one of its own', () => {
    const shown = run(
      'xorriso',
      '-indev',
      path,
      '-report_el_torito',
      'plain',
      '-report_system_area',
      'plain',
    );
    const images = [
      ...shown.matchAll(/^El Torito boot img :\s+(\d)\s+(\S+)\s+(\S)\s+(\S+)\s+\S+\s+\S+\s+(\d+)/gm),
    ];
    expect(images.map((match) => match.slice(1, 6))).toEqual([
      ['1', 'BIOS', 'y', 'none', '4'],
      ['2', 'UEFI', 'y', 'none', String(esp.length / 512)],
    ]);
    expect(shown).toMatch(/^El Torito img opts : {3}1 {2}boot-info-table isohybrid-suitable$/m);
    expect(shown).toMatch(/^El Torito img path : {3}1 {2}\/isolinux\/isolinux.bin$/m);
    expect(shown).toMatch(/^El Torito img path : {3}2 {2}\/boot\/grub\/efiboot.img$/m);
    expect(shown).toMatch(/^El Torito cat path : \/isolinux\/boot.cat$/m);
    expect(shown).toMatch(/^System area summary: MBR isohybrid/m);
    expect(shown).toMatch(/^MBR partition {6}: {3}2 {3}0x00 {2}0xef/m);
    expect(shown).toMatch(/^MBR partition path : {3}2 {2}\/boot\/grub\/efiboot.img$/m);
  });

  it('has an EFI system partition as fdisk sees it, and in it what was put there', () => {
    const table = JSON.parse(run('sfdisk', '--json', path)) as {
      partitiontable: { label: string; partitions: { type: string; start: number; size: number }[] };
    };
    expect(table.partitiontable.label).toBe('dos');
    const efi = table.partitiontable.partitions.find(({ type }) => type === 'ef')!;
    expect(efi.size * 512).toBe(esp.length);
    const found = readFileSync(path).subarray(efi.start * 512, (efi.start + efi.size) * 512);
    expect(found.equals(esp)).toBe(true);
    writeFileSync(join(dir, 'esp'), found);
    run('fsck.fat', '-n', join(dir, 'esp'));
    expect(run('mdir', '-b', '-/', '-i', join(dir, 'esp'))).toBe(
      '::/EFI/\n::/EFI/BOOT/\n::/EFI/BOOT/BOOTX64.EFI\n',
    );
  });

  it.each([
    ['bsdtar', (to: string) => run('bsdtar', '-xf', path, '-C', to)],
    ['xorriso', (to: string) => run('xorriso', '-osirrox', 'on', '-indev', path, '-extract', '/', to)],
  ])('gives %s its files back, byte for byte', async (_who, extract) => {
    const to = join(dir, `out-${_who}`);
    mkdirSync(to);
    extract(to);
    for (const [name, content] of files) {
      if (name === 'isolinux/isolinux.bin') continue; // has its table now
      const found = readFileSync(join(to, name));
      const chunks: Uint8Array[] = [];
      if (content instanceof Uint8Array) chunks.push(content);
      else for await (const chunk of content.read(0, content.size)) chunks.push(chunk);
      expect(found.equals(Buffer.concat(chunks)), name).toBe(true);
    }
    expect(statSync(join(to, 'isolinux/isolinux.bin')).size).toBe(isolinux.length);
    run('chmod', '-R', 'u+w', to);
  });

  it('is mounted by the kernel, by each of its trees', (context) => {
    if (process.getuid?.() !== 0) return context.skip('mounting needs root');
    if (!readFileSync('/proc/filesystems', 'utf8').includes('iso9660'))
      return context.skip('this kernel has no ISO 9660');
    for (const options of ['ro,loop', 'ro,loop,norock']) {
      const at = join(dir, 'mnt');
      mkdirSync(at, { recursive: true });
      run('mount', '-t', 'iso9660', '-o', options, path, at);
      try {
        expect(readFileSync(join(at, 'boot/grub/grub.cfg'))).toEqual(Buffer.from(grub));
        expect(readFileSync(join(at, `names/${'long-'.repeat(12)}.txt`), 'utf8')).toBe('long');
        expect(readFileSync(join(at, 'initrd')).length).toBe(5 * 2 ** 20);
      } finally {
        run('umount', at);
      }
    }
  });

  it('holds a file of a byte less than 4 GiB, as isoinfo and bsdtar see it', async () => {
    const large = join(dir, 'large.iso');
    // Its zeros are holes: the volume's own bytes are few.
    const image = layOutIso(
      new Map<string, Content>([
        ['large', { size: 2 ** 32 - 1, read: () => Readable.from([]) }],
        ['last', text('behind it')],
      ]),
      { label: 'l', time: TIME },
    );
    execFileSync('truncate', ['-s', String(image.size), large]);
    const { openSync, writeSync, closeSync } = await import('node:fs');
    const file = openSync(large, 'r+');
    for (const { at, content } of image.pieces)
      if (content instanceof Uint8Array) writeSync(file, content, 0, content.length, at);
    closeSync(file);
    expect(run('isoinfo', '-R', '-l', '-i', large)).toMatch(/4294967295 .* large/);
    expect(run('bsdtar', '-xOf', large, 'last')).toBe('behind it');
  });
});
