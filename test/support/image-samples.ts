import { crc32 } from 'node:zlib';

export const KiB = 1024;

/** Bytes at offsets in a zeroed image: text as Latin-1, numbers as hex strings with `x`. */
export function image(size: number, ...parts: [number, string | number[]][]): Uint8Array {
  const bytes = new Uint8Array(size);
  for (const [offset, part] of parts)
    bytes.set(typeof part === 'string' ? Array.from(part, (c) => c.charCodeAt(0)) : part, offset);
  return bytes;
}

export const be = (value: bigint | number, width: number) =>
  Array.from({ length: width }, (_, i) => Number((BigInt(value) >> BigInt(8 * (width - 1 - i))) & 0xffn));
export const le = (value: bigint | number, width: number) => be(value, width).reverse();

/** The header of `qemu-img create -f qcow2 x 10M` (QEMU 7.2), with changes. */
export function qcow2(change: [number, string | number[]][] = [], size = 64 * KiB): Uint8Array {
  return image(
    size,
    [0, 'QFI\u00fb'],
    [4, be(3, 4)],
    [20, be(16, 4)],
    [24, be(10 << 20, 8)],
    [36, be(1, 4)],
    [40, be(0x30000, 8)],
    [96, be(4, 4)],
    [100, be(112, 4)],
    ...change,
  );
}

export function mbr(entries: number[][], size = 64 * KiB): Uint8Array {
  return image(size, ...entries.map((entry, i): [number, number[]] => [446 + 16 * i, entry]), [
    510,
    [0x55, 0xaa],
  ]);
}
export const linux = [0x80, 0x20, 0x21, 0x00, 0x83, 0x45, 0x05, 0x01, ...le(2048, 4), ...le(18432, 4)];
export const protective = [0x00, 0x00, 0x02, 0x00, 0xee, 0xff, 0xff, 0xff, ...le(1, 4), ...le(20479, 4)];

/** A GPT without partitions as sfdisk writes it, for sectors of this size. */
export function gpt(sector: number): Uint8Array {
  const bytes = mbr([protective]);
  const header = image(92, [0, 'EFI PART'], [8, le(0x10000, 4)], [12, le(92, 4)], [24, le(1, 8)]);
  header.set([...le(2, 8), ...le(128, 4), ...le(128, 4), ...le(crc32(new Uint8Array(128 * 128)), 4)], 72);
  header.set(le(crc32(header), 4), 16);
  bytes.set(header, sector);
  return bytes;
}

export const iso = (parts: [number, string | number[]][] = []) =>
  image(64 * KiB, [0x8000, '\x01CD001\x01'], [0x8050, le(174, 4)], [0x8080, le(2048, 2)], ...parts);

export const DESCRIPTOR = `# Disk DescriptorFile
version=1
CID=0b5c8c2e
parentCID=ffffffff
createType="monolithicSparse"

# Extent description
RW 20480 SPARSE "disk.vmdk"

# The Disk Data Base
#DDB
ddb.virtualHWVersion = "4"
`;
export function vmdk(
  descriptor: string,
  change: [number, string | number[]][] = [],
  size = 64 * KiB,
): Uint8Array {
  return image(
    size,
    [0, 'KDMV'],
    [4, le(1, 4)],
    [12, le(20480, 8)],
    [28, le(1, 8)],
    [36, le(20, 8)],
    [56, le(21, 8)],
    [512, descriptor],
    ...change,
  );
}
export const GD_AT_END = Array<number>(8).fill(0xff);
export function streamOptimized(footer: [number, string | number[]][] = []): Uint8Array {
  const end = 64 * KiB - 1536;
  return vmdk(DESCRIPTOR.replace('monolithicSparse', 'streamOptimized'), [
    [56, GD_AT_END],
    [end + 12, le(3, 4)],
    [end + 512, 'KDMV'],
    [end + 516, le(1, 4)],
    [end + 524, le(20480, 8)],
    [end + 540, le(1, 8)],
    [end + 548, le(20, 8)],
    [end + 568, le(90, 8)],
    ...footer.map(([at, part]): [number, string | number[]] => [end + at, part]),
  ]);
}

export function vhdx(): Uint8Array {
  const meta = [
    0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b, 0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e,
  ];
  const size = [
    0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48, 0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8,
  ];
  const region = 2048 * KiB;
  return image(
    region + 128 * KiB,
    [0, 'vhdxfile'],
    [192 * KiB, 'regi'],
    [192 * KiB + 8, le(2, 4)],
    [192 * KiB + 48, meta],
    [192 * KiB + 64, le(region, 8)],
    [region, 'metadata'],
    [region + 10, le(1, 2)],
    [region + 32, size],
    [region + 48, le(64 * KiB + 8, 4)],
    [region + 64 * KiB + 8, le(10 << 20, 8)],
  );
}
