// Boot entries of optical discs: "El Torito" Bootable CD-ROM Format Specification, 1.0; UEFI 2.10 §13.3.2.1.

import { textBytes } from './bytes.js';
import { PiecedImage } from './content.js';
import { SECTOR } from './volume.js';

/** A boot image that firmware starts, by its place on the disc. */
export interface BootImage {
  platform: 'bios' | 'uefi';
  /** Sector of the disc. */
  sector: number;
  /** Blocks of 512 bytes to load; UEFI firmware reads on to the end of the file system inside. */
  blocks: number;
}

const PLATFORM = { bios: 0, uefi: 0xef } as const;
const BOOTABLE = 0x88;
const MORE_HEADERS = 0x90;
const LAST_HEADER = 0x91;
const RECORD = 32;

/** The volume descriptor that names the catalog (§2.0); it is in sector 17. */
export function bootRecord(catalogSector: number): Uint8Array {
  const bytes = new Uint8Array(SECTOR);
  bytes.set([0, ...textBytes('CD001'), 1]);
  bytes.set(textBytes('EL TORITO SPECIFICATION'), 7);
  new DataView(bytes.buffer).setUint32(71, catalogSector, true);
  return bytes;
}

/** The first image is the default; every other one has a section of its own (§2.3). */
export function bootCatalog(images: readonly BootImage[]): Uint8Array {
  const [first, ...others] = images;
  if (first === undefined) throw new RangeError('a boot catalog without an image');
  const bytes = new Uint8Array(SECTOR);
  bytes.set(validation(first));
  bytes.set(entry(first), RECORD);
  for (const [index, image] of others.entries()) {
    const at = (2 + 2 * index) * RECORD;
    bytes[at] = index === others.length - 1 ? LAST_HEADER : MORE_HEADERS;
    bytes[at + 1] = PLATFORM[image.platform];
    bytes[at + 2] = 1; // entries of this section
    bytes.set(entry(image), at + RECORD);
  }
  return bytes;
}

/** §2.1: the sum of all its 16-bit words is 0. */
function validation({ platform }: BootImage): Uint8Array {
  const bytes = new Uint8Array(RECORD);
  const view = new DataView(bytes.buffer);
  bytes[0] = 1;
  bytes[1] = PLATFORM[platform];
  bytes.set([0x55, 0xaa], 30);
  let sum = 0;
  for (let at = 0; at < RECORD; at += 2) sum += view.getUint16(at, true);
  view.setUint16(28, -sum & 0xffff, true);
  return bytes;
}

/** §2.2, without emulation of another medium. */
function entry({ sector, blocks }: BootImage): Uint8Array {
  const bytes = new Uint8Array(RECORD);
  const view = new DataView(bytes.buffer);
  bytes[0] = BOOTABLE;
  // UEFI 2.10 §13.3.2.1: 0 and 1 mean "to the end", for images whose size exceeds 16 bits.
  view.setUint16(6, blocks > 0xffff ? 0 : blocks, true);
  view.setUint32(8, sector, true);
  return bytes;
}

const TABLE_AT = 8;
const TABLE_END = 64;

/**
 * isolinux finds itself on the disc by a table inside of it: mkisofs(8), "EL TORITO BOOT INFORMATION TABLE". The bytes
 * around the table are shared with the image, not copied.
 * @param sector of the disc, where the image is
 * @throws RangeError for an image too small for the table
 */
export function withBootInfo(image: Uint8Array, sector: number, firstDescriptor: number): PiecedImage {
  if (image.length < TABLE_END) throw new RangeError(`a BIOS boot image has at least ${TABLE_END} bytes`);
  const from = new DataView(image.buffer, image.byteOffset, image.length);
  let sum = 0;
  for (let at = TABLE_END; at < image.length; at += 4) {
    const word = at + 4 <= image.length ? from.getUint32(at, true) : lastWord(image, at);
    sum = (sum + word) >>> 0;
  }
  const table = new Uint8Array(TABLE_END - TABLE_AT);
  const view = new DataView(table.buffer);
  for (const [index, value] of [firstDescriptor, sector, image.length, sum].entries())
    view.setUint32(4 * index, value, true);
  return new PiecedImage(image.length, [
    { at: 0, content: image.subarray(0, TABLE_AT) },
    { at: TABLE_AT, content: table },
    { at: TABLE_END, content: image.subarray(TABLE_END) },
  ]);
}

/** Missing bytes count as zeros. */
function lastWord(bytes: Uint8Array, at: number): number {
  return bytes.subarray(at).reduceRight((word, byte) => word * 256 + byte, 0);
}
