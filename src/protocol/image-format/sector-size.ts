// The sector size an image was made for, and where it can be used. A table counts in sectors, so with another size
// every partition is somewhere else; a file system cannot be mounted if its blocks are smaller than a sector.
import { FILE_SYSTEM_BYTES, fileSystemOf } from './content.js';
import { viewOf } from './header.js';
import { gptSectorSizes, isPartitioned, SECTOR_SIZES, tableOf } from './partition-table.js';
import { decodePartitions, type Partition } from './partitions.js';

/** Bytes from the start of a disk that hold its table and a first file system that begins at 1 MiB, as usual. */
export const SECTOR_EVIDENCE_BYTES = 2 ** 20 + FILE_SYSTEM_BYTES;

/**
 * Why a disk image cannot be used on a disk.
 * @param head at least `SECTOR_EVIDENCE_BYTES` of the disk inside the image, or all of it
 * @param sector bytes of a logical sector of the disk
 * @returns undefined if no fault was found
 */
export function sectorFault(head: Uint8Array, sector: number): string | undefined {
  const table = isPartitioned(head) ? tableOf(head) : undefined;
  if (table === undefined) return undefined;
  const made = table === 'gpt' ? gptSectorSizes(head) : mbrSectorSizes(head);
  if (made.length === 0 && sector !== SECTOR_SIZES[0])
    return `its MBR does not show for which sectors it was made, and the disk has sectors of ${sector} bytes`;
  if (made.length > 0 && !made.includes(sector))
    return `its ${table === 'gpt' ? 'GPT' : 'MBR'} is made for sectors of ${made.join(' or ')} bytes, the disk has ${sector}`;
  for (const { number, bytes } of visible(head, decodePartitions(head, sector))) {
    const fault = fileSystemFault(bytes, sector);
    if (fault !== undefined) return `partition ${number}: ${fault}`;
  }
  return undefined;
}

/**
 * Why a file system cannot be mounted from a disk.
 * @param head its first `FILE_SYSTEM_BYTES`, or all of it
 */
export function fileSystemFault(head: Uint8Array, sector: number): string | undefined {
  const kind = fileSystemOf(head)?.kind;
  const fat = fatSectorSize(head);
  if (fat !== undefined && fat !== sector)
    return `its FAT file system is made for sectors of ${fat} bytes, the disk has ${sector}`;
  const view = viewOf(head);
  // Linux: Documentation/filesystems/ext4/super.rst (s_log_block_size); fs/xfs/libxfs/xfs_format.h (sb_sectsize);
  // fs/btrfs/ctree.h (sectorsize). ISO 9660 has blocks of 2048 bytes (ECMA-119 §6.1.2).
  const unit = kind?.startsWith('ext')
    ? 1024 * 2 ** Math.min(view.getUint32(1024 + 0x18, true), 6)
    : kind === 'xfs'
      ? view.getUint16(102)
      : kind === 'btrfs' && head.length >= 0x10094
        ? view.getUint32(0x10090, true)
        : kind === 'iso9660'
          ? 2048
          : undefined;
  if (unit === undefined || unit >= sector) return undefined;
  return `its ${kind} file system has blocks of ${unit} bytes, fewer than a sector of the disk (${sector})`;
}

/** Sector size in a FAT boot sector; undefined if there is none. Microsoft's FAT specification, "BPB". */
export function fatSectorSize(bytes: Uint8Array): number | undefined {
  if (bytes.length < 512 || bytes[510] !== 0x55 || bytes[511] !== 0xaa) return undefined;
  const view = viewOf(bytes);
  const sector = view.getUint16(11, true);
  const jumps = (bytes[0] === 0xeb && bytes[2] === 0x90) || bytes[0] === 0xe9;
  const plausible =
    [512, 1024, 2048, 4096].includes(sector) &&
    isPowerOfTwo(bytes[13]!) && // sectors per cluster
    view.getUint16(14, true) > 0 && // reserved sectors: NTFS has none
    [1, 2].includes(bytes[16]!) && // tables
    bytes[21]! >= 0xf0; // medium
  return jumps && plausible ? sector : undefined;
}

/** Determined by file systems: with the right sector size, partitions begin where file systems do. */
function mbrSectorSizes(head: Uint8Array): number[] {
  return SECTOR_SIZES.filter((sector) =>
    visible(head, decodePartitions(head, sector)).some(
      ({ bytes }) => fileSystemOf(bytes) !== undefined || fatSectorSize(bytes) !== undefined,
    ),
  );
}

function visible(head: Uint8Array, partitions: readonly Partition[]) {
  return partitions
    .filter(({ start }) => start > 0 && start < head.length)
    .map(({ number, start }) => ({ number, bytes: head.subarray(start, start + FILE_SYSTEM_BYTES) }));
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}
