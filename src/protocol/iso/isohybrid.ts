// The boot sector that makes a disc's image bootable from a USB stick or a disk: isohybrid(1) of SYSLINUX.

/** Bytes of a master boot record, including partition table and signature. */
const MBR = 512;
/** Bytes of isohdpfx.bin; the rest of the MBR is filled in. */
export const BOOT_CODE = 432;
/** Blocks of a disk per sector of the disc. */
const BLOCKS = 4;
const HEADS = 64;
const PER_TRACK = 32;
/** Bytes of a cylinder: BIOSes that count in cylinders see whole ones only. */
export const CYLINDER = HEADS * PER_TRACK * 512;

export interface Hybrid {
  /** isohdpfx.bin of SYSLINUX. */
  code: Uint8Array;
  /** Sector of the disc where isolinux.bin is. */
  bios: number;
  /** The FAT volume that UEFI starts from: sector of the disc, and bytes. */
  uefi?: { sector: number; size: number };
  /** Bytes of the whole image. */
  size: number;
  /** The disk signature, 32 bits: distinguishes two disks. */
  signature: number;
}

/**
 * The first partition is the whole image and active, for BIOSes that look for an active one. It has type 0, which UEFI
 * firmware ignores, so that it sees no overlapping partitions; for UEFI the second is an EFI system partition (UEFI
 * 2.10 §5.2.1). No GPT: it is invalid without a protective MBR (§5.2.3).
 * @throws RangeError for boot code of another length, or an image of 2 TiB or more
 */
export function isohybridMbr({ code, bios, uefi, size, signature }: Hybrid): Uint8Array {
  if (code.length !== BOOT_CODE)
    throw new RangeError(`isohybrid boot code has ${BOOT_CODE} bytes, not ${code.length}`);
  if (size / 512 > 0xffffffff)
    throw new RangeError('an image of 2 TiB or more cannot have a master boot record');
  const bytes = new Uint8Array(MBR);
  const view = new DataView(bytes.buffer);
  bytes.set(code);
  view.setUint32(432, bios * BLOCKS, true);
  view.setUint32(440, signature, true);
  bytes.set(partition(0x80, 0x00, 0, size / 512), 446);
  if (uefi) bytes.set(partition(0, 0xef, uefi.sector * BLOCKS, Math.ceil(uefi.size / 512)), 462);
  bytes.set([0x55, 0xaa], 510);
  return bytes;
}

function partition(active: number, type: number, start: number, blocks: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  bytes[0] = active;
  bytes.set(cylinderHeadSector(start), 1);
  bytes[4] = type;
  bytes.set(cylinderHeadSector(start + blocks - 1), 5);
  view.setUint32(8, start, true);
  view.setUint32(12, blocks, true);
  return bytes;
}

/** Ten bits of cylinder, two of them in the byte of the sector; higher cylinders give the maximum. */
function cylinderHeadSector(block: number): [number, number, number] {
  const cylinder = Math.floor(block / (HEADS * PER_TRACK));
  if (cylinder > 1023) return [HEADS - 1, 0xc0 | PER_TRACK, 0xff];
  const head = Math.floor(block / PER_TRACK) % HEADS;
  return [head, ((cylinder >> 2) & 0xc0) | ((block % PER_TRACK) + 1), cylinder & 0xff];
}
