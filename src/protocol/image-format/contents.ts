// The content of a disk, from its first bytes. Offsets: each file system's superblock; the kernel's boot protocol.
import { hasText, isZero, viewOf } from './header.js';
import { tableOf } from './partition-table.js';

export type DiskContents =
  | 'partition-table' // GPT or MBR with at least one partition
  | 'protective-mbr' // the cover of a GPT that cannot be read
  | 'boot-sector' // ends like an MBR, but has no table: code of some boot loader
  | 'optical-disc' // ISO 9660 or UDF with a boot record, hybrid ones too
  | 'plain-disc' // the same without one: nothing starts from it
  | 'filesystem' // from its first byte
  | 'kernel'
  | 'ramdisk'
  | 'unknown';

/** Bytes from the start of a disk that `contentsOf` reads: up to btrfs’s magic. */
export const CONTENTS_BYTES = 0x10048;

const FILE_SYSTEMS: readonly [number, readonly string[]][] = [
  [0, ['XFSB', 'hsqs']], // xfs, squashfs
  [0x438, ['\x53\xef']], // ext2, ext3, ext4
  [0x400, ['\xe2\xe1\xf5\xe0', '\x10\x20\xf5\xf2']], // erofs, f2fs
  [0x10040, ['_BHRfS_M']], // btrfs
  [3, ['NTFS    ']],
  [0x36, ['FAT12   ', 'FAT16   ']],
  [0x52, ['FAT32   ']],
];
const VOLUMES = 0x8000;
const VOLUME_BYTES = 2048;
const EL_TORITO = 'EL TORITO SPECIFICATION';
const DISC = ['CD001', 'NSR02', 'NSR03'];

/**
 * A boot sector alone is no partition table: a file system with a boot loader ends its first sector like an MBR, but
 * its table is empty or text.
 * @param head the first `CONTENTS_BYTES` of the disk inside an image, or all of it
 */
export function contentsOf(head: Uint8Array): DiskContents {
  if (DISC.some((id) => hasText(head, VOLUMES + 1, id)))
    return hasBootRecord(head) ? 'optical-disc' : 'plain-disc';
  if (isKernel(head)) return 'kernel';
  const hasFileSystem = FILE_SYSTEMS.some(([at, texts]) => texts.some((text) => hasText(head, at, text)));
  if (hasTable(head) && !hasFileSystem) return 'partition-table';
  if (hasFileSystem) return 'filesystem';
  if (isBootSector(head) && tableOf(head) === undefined) return 'protective-mbr';
  if (hasText(head, 0, '070701') || hasText(head, 0, '070702')) return 'ramdisk';
  return isBootSector(head) ? 'boot-sector' : 'unknown';
}

/** An El Torito boot record (§2.0: a boot record volume descriptor), or a disk's (isohybrid's MBR). */
function hasBootRecord(head: Uint8Array): boolean {
  if (isBootSector(head)) return true;
  for (let at = VOLUMES; hasText(head, at + 1, 'CD001'); at += VOLUME_BYTES) {
    if (head[at] === 0 && hasText(head, at + 7, EL_TORITO)) return true;
  }
  return false;
}

function isBootSector(head: Uint8Array): boolean {
  return head.length >= 512 && head[510] === 0x55 && head[511] === 0xaa;
}

function isKernel(head: Uint8Array): boolean {
  // x86: Documentation/arch/x86/boot.rst; arm64: Documentation/arch/arm64/booting.rst.
  return hasText(head, 0x202, 'HdrS') || hasText(head, 0x38, 'ARMd');
}

/** UEFI specification 2.10 §5.2.1. */
function hasTable(head: Uint8Array): boolean {
  if (!isBootSector(head)) return false;
  const table = tableOf(head);
  if (table !== 'mbr') return table === 'gpt';
  const view = viewOf(head);
  let used = 0;
  for (let at = 446; at < 510; at += 16) {
    const boot = view.getUint8(at);
    const [type, start, sectors] = [
      view.getUint8(at + 4),
      view.getUint32(at + 8, true),
      view.getUint32(at + 12, true),
    ];
    if (isZero(head.subarray(at, at + 16))) continue;
    if ((boot !== 0 && boot !== 0x80) || type === 0 || start === 0 || sectors === 0) return false;
    used++;
  }
  return used > 0;
}
