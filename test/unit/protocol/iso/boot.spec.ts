import { describe, expect, it } from 'vitest';
import type { Content } from '../../../../src/protocol/iso/content.js';
import { type IsoBoot, layOutIso } from '../../../../src/protocol/iso/write.js';

const BIOS = Uint8Array.from({ length: 3001 }, (_, i) => i % 256);
const FILES = new Map<string, Content>([
  ['isolinux/isolinux.bin', BIOS],
  ['boot/grub/efiboot.img', new Uint8Array(5 * 2048)],
]);
const BOOT: IsoBoot = {
  catalog: 'isolinux/boot.cat',
  bios: 'isolinux/isolinux.bin',
  uefi: 'boot/grub/efiboot.img',
};
const CODE = new Uint8Array(432).fill(0xcc);

async function volume(boot: IsoBoot, files: ReadonlyMap<string, Content> = FILES) {
  const chunks: Uint8Array[] = [];
  const image = layOutIso(files, { label: 'config-2', time: 1_700_000_000_000, boot });
  for await (const chunk of image.read()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('a volume with boot entries', () => {
  it('names the catalog in sector 17, before the descriptor of Joliet', async () => {
    const image = await volume(BOOT);
    const record = image.subarray(17 * 2048, 18 * 2048);
    expect(record.toString('latin1', 0, 32)).toBe('\0CD001\x01EL TORITO SPECIFICATION\0\0');
    expect(image[18 * 2048]).toBe(2);
    expect(image[19 * 2048]).toBe(255);
  });

  it('has an entry for BIOS and a section for UEFI, whose words have the sum 0', async () => {
    const image = await volume(BOOT);
    const catalog = image.subarray(image.readUInt32LE(17 * 2048 + 71) * 2048);
    let sum = 0;
    for (let at = 0; at < 32; at += 2) sum += catalog.readUInt16LE(at);
    expect(sum & 0xffff).toBe(0);
    expect([catalog[0], catalog[1], catalog[30], catalog[31]]).toEqual([1, 0, 0x55, 0xaa]);
    expect([catalog[32], catalog[33], catalog.readUInt16LE(38)]).toEqual([0x88, 0, 4]);
    expect([...catalog.subarray(64, 68)]).toEqual([0x91, 0xef, 1, 0]);
    expect([catalog[96], catalog.readUInt16LE(102)]).toEqual([0x88, 20]);
    const efi = catalog.readUInt32LE(104) * 2048;
    expect(image.subarray(efi, efi + 5 * 2048).every((byte) => byte === 0)).toBe(true);
  });

  it('is of UEFI alone when there is no BIOS image', async () => {
    const image = await volume({ catalog: BOOT.catalog, uefi: BOOT.uefi! });
    const catalog = image.subarray(image.readUInt32LE(17 * 2048 + 71) * 2048);
    expect([catalog[1], catalog[32], catalog[64]]).toEqual([0xef, 0x88, 0]);
  });

  it('writes the boot information table into isolinux.bin, and leaves the file that was given alone', async () => {
    const before = Uint8Array.from(BIOS);
    const image = await volume(BOOT);
    expect(BIOS).toEqual(before);
    const catalog = image.subarray(image.readUInt32LE(17 * 2048 + 71) * 2048);
    const sector = catalog.readUInt32LE(40);
    const file = image.subarray(sector * 2048, sector * 2048 + BIOS.length);
    let sum = 0;
    const tail = Buffer.concat([file.subarray(64), Buffer.alloc(3)]);
    for (let at = 0; at + 4 <= tail.length; at += 4) sum = (sum + tail.readUInt32LE(at)) >>> 0;
    expect([8, 12, 16, 20].map((at) => file.readUInt32LE(at))).toEqual([16, sector, BIOS.length, sum]);
    expect(file.subarray(24, 64).every((byte) => byte === 0)).toBe(true);
    expect(file.subarray(64).equals(BIOS.subarray(64))).toBe(true);
  });

  it('starts with a boot sector whose second partition is the FAT volume, in whole cylinders', async () => {
    const image = await volume({ ...BOOT, hybrid: CODE });
    expect(image.length % 2 ** 20).toBe(0);
    expect(image.readUInt32LE(16 * 2048 + 80)).toBe(image.length / 2048);
    const catalog = image.subarray(image.readUInt32LE(17 * 2048 + 71) * 2048);
    expect(image.subarray(0, 432).equals(CODE)).toBe(true);
    expect(image.readUInt32LE(432)).toBe(catalog.readUInt32LE(40) * 4);
    expect([...image.subarray(446, 454)]).toEqual([0x80, 0, 1, 0, 0, 63, 32, 0]);
    expect([image.readUInt32LE(454), image.readUInt32LE(458)]).toEqual([0, image.length / 512]);
    expect([image[466], image.readUInt32LE(470), image.readUInt32LE(474)]).toEqual([
      0xef,
      catalog.readUInt32LE(104) * 4,
      20,
    ]);
    expect(image.readUInt16BE(510)).toBe(0x55aa);
  });

  it.each<[string, IsoBoot, RegExp]>([
    ['a BIOS image that is not there', { ...BOOT, bios: 'other' }, /other: .* not among the files/],
    ['a UEFI image that is not there', { ...BOOT, uefi: 'other' }, /other: .* not among the files/],
    ['no image at all', { catalog: 'boot.cat' }, /without an image/],
    ['a catalog over a file', { ...BOOT, catalog: BOOT.bios! }, /there already/],
    ['hybrid code of another length', { ...BOOT, hybrid: new Uint8Array(512) }, /432 bytes, not 512/],
    ['a hybrid without BIOS', { catalog: 'c', uefi: BOOT.uefi!, hybrid: CODE }, /needs a BIOS/],
  ])('refuses %s', async (_what, boot, message) => {
    await expect(volume(boot)).rejects.toThrow(message);
  });
});

describe('layOutIso', () => {
  const lay = (files: [string, Content][], options: { label?: string; publisher?: string } = {}) =>
    layOutIso(new Map(files), { label: 'l', time: 0, ...options });
  const sized = (size: number): Content => ({
    size,
    async *read(start: number, end: number) {
      yield new Uint8Array(end - start);
    },
  });

  it('takes a file of a byte less than 4 GiB, without its bytes', () => {
    expect(lay([['a', sized(2 ** 32 - 1)]]).size).toBeGreaterThan(2 ** 32);
  });

  it.each([
    ['4 GiB', () => lay([['a', sized(2 ** 32)]]), /a: 4 GiB or more/],
    ['a size that is none', () => lay([['a', sized(Number.NaN)]]), /no number of bytes/],
    ['a negative size', () => lay([['a', sized(-1)]]), /no number of bytes/],
    ['a long label', () => lay([], { label: 'x'.repeat(33) }), /at most 32/],
    ['a label that is not ASCII', () => lay([], { label: 'ü' }), /ASCII/],
    ['a label with a line end', () => lay([], { label: 'a\n' }), /ASCII/],
    ['a long publisher', () => lay([], { publisher: 'x'.repeat(129) }), /at most 128/],
    ['half a character', () => lay([['\ud800', sized(1)]]), /no name/],
    ['a control character', () => lay([['a\nb', sized(1)]]), /no name/],
    ['a name of too many bytes', () => lay([['漢'.repeat(64), sized(1)]]), /too long/],
    [
      'a file that is a folder',
      () =>
        lay([
          ['a', sized(1)],
          ['a/b', sized(1)],
        ]),
      /is a file already/,
    ],
  ])('refuses %s', (_what, make, message) => {
    expect(make).toThrow(message);
  });
});
