import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildFat } from '../../../src/protocol/file-system/fat.js';
import { readIso9660 } from '../../../src/protocol/iso/read.js';
import { buildIso9660 } from '../../../src/protocol/iso/write.js';

const dir = mkdtempSync(join(tmpdir(), 'fat-'));
afterAll(() => rmSync(dir, { recursive: true }));
const text = (content: string) => new TextEncoder().encode(content);

const FILES = new Map([
  ['openstack/latest/meta_data.json', text('{"uuid":"u"}')],
  ['openstack/latest/user_data', text('x'.repeat(70_000))],
  ['openstack/2012-08-10/meta_data.json', text('{}')],
  ['openstack/content/0000', text('a\0b')],
  ['openstack/a-name-of-more-than-one-record-with-ümläute.json', text('long')],
  ['ec2/latest/meta-data.json', text('e')],
  ['empty', text('')],
]);

describe('the files of a config drive', () => {
  it.each([
    [
      'our own writer',
      () =>
        buildIso9660(new Map([...FILES].filter(([path]) => !path.includes('ü'))), {
          label: 'config-2',
          time: 0,
        }),
    ],
    ['genisoimage with Joliet and Rock Ridge', () => genisoimage(['-J', '-r'])],
    ['genisoimage with Rock Ridge', () => genisoimage(['-r'])],
    ['genisoimage with Joliet', () => genisoimage(['-J', '-joliet-long'])],
  ])('are read from an ISO 9660 volume of %s', (_who, make) => {
    const read = readIso9660(make());
    for (const [path, content] of read)
      expect(Buffer.from(content).equals(FILES.get(path)!), path).toBe(true);
    expect(read.size).toBeGreaterThanOrEqual(FILES.size - 1);
  });

  it.each([
    [512, 'FAT12', 0],
    [512, 'FAT16', 4 * 2 ** 20],
    [4096, 'FAT12', 0],
    [4096, 'FAT16', 20 * 2 ** 20],
  ])('go into a volume for sectors of %i bytes (%s) as mtools and fsck.fat read it', (sector, kind, more) => {
    const path = join(dir, `volume-${sector}-${kind}`);
    const files = new Map([...FILES, ['large', new Uint8Array(more).fill(7)]]);
    writeFileSync(path, buildFat(files, { label: 'config-2', sector, time: Date.UTC(2026, 1, 3, 4, 5, 6) }));
    execFileSync('fsck.fat', ['-n', path]);
    const blkid = execFileSync('blkid', ['-p', '-o', 'export', path], { encoding: 'utf8' });
    expect(blkid).toContain('LABEL=config-2');
    expect(readFileSync(path).subarray(54, 59).toString()).toBe(kind);
    const out = join(dir, `out-${sector}-${kind}`);
    mkdirSync(out);
    execFileSync('mcopy', ['-s', '-n', '-i', path, '::/', out], {
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });
    for (const [name, content] of files)
      expect(readFileSync(join(out, name)).equals(Buffer.from(content)), name).toBe(true);
  });

  it('are refused where FAT would lose one', () => {
    const both = new Map([
      ['a/Name', text('1')],
      ['a/name', text('2')],
    ]);
    expect(() => buildFat(both, { label: 'x', sector: 512, time: 0 })).toThrow('cannot tell two files');
    expect(() => buildFat(new Map([['a:b', text('')]]), { label: 'x', sector: 512, time: 0 })).toThrow(
      'FAT has no',
    );
  });
});

function genisoimage(options: readonly string[]): Uint8Array {
  const tree = mkdtempSync(join(dir, 'tree-'));
  for (const [name, content] of FILES) {
    mkdirSync(dirname(join(tree, name)), { recursive: true });
    writeFileSync(join(tree, name), content);
  }
  const path = join(dir, 'drive.iso');
  execFileSync('genisoimage', [
    '-quiet',
    '-V',
    'config-2',
    '-input-charset',
    'utf-8',
    ...options,
    '-o',
    path,
    tree,
  ]);
  return readFileSync(path);
}
