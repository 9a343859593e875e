// Recognizes bytes that are no disk: file systems, kernels, ramdisks.
import { hasText, textOf, viewOf } from './header.js';

export type FileSystem =
  | ('ext2' | 'ext3' | 'ext4' | 'xfs' | 'btrfs' | 'vfat')
  | ('swap' | 'lvm' | 'squashfs' | 'iso9660');

/** Bytes from the start of a partition that identify every file system here (btrfs has its superblock at 64 KiB). */
export const FILE_SYSTEM_BYTES = 0x10100;

export interface FileSystemHeader {
  kind: FileSystem;
  label: string;
}

/** @returns undefined if no known file system begins here */
export function fileSystemOf(bytes: Uint8Array): FileSystemHeader | undefined {
  // Linux: Documentation/filesystems/ext4/super.rst; the superblock is at 1024, s_magic at 0x38 in it.
  if (bytes.length >= 2048 && viewOf(bytes).getUint16(1024 + 0x38, true) === 0xef53) {
    const view = viewOf(bytes);
    const journal = (view.getUint32(1024 + 0x5c, true) & 0x4) !== 0;
    const extents = (view.getUint32(1024 + 0x60, true) & 0x40) !== 0;
    return {
      kind: extents ? 'ext4' : journal ? 'ext3' : 'ext2',
      label: textOf(bytes, 1024 + 0x78, 1024 + 0x88),
    };
  }
  if (hasText(bytes, 0, 'XFSB')) return { kind: 'xfs', label: textOf(bytes, 108, 120) };
  if (hasText(bytes, 0x10040, '_BHRfS_M')) return { kind: 'btrfs', label: '' };
  if (hasText(bytes, 0xff6, 'SWAPSPACE2')) return { kind: 'swap', label: textOf(bytes, 0x41c, 0x42c) };
  if (hasText(bytes, 0x218, 'LVM2 001')) return { kind: 'lvm', label: '' };
  if (hasText(bytes, 0, 'hsqs')) return { kind: 'squashfs', label: '' };
  if (hasText(bytes, 0x8001, 'CD001'))
    return { kind: 'iso9660', label: textOf(bytes, 0x8028, 0x8048).trimEnd() };
  if (hasText(bytes, 0x52, 'FAT32')) return { kind: 'vfat', label: textOf(bytes, 0x47, 0x52).trimEnd() };
  if (hasText(bytes, 0x36, 'FAT')) return { kind: 'vfat', label: textOf(bytes, 0x2b, 0x36).trimEnd() };
  return undefined;
}

/**
 * The version of a Linux kernel for x86, '' if it contains none; undefined: not a kernel.
 * Linux: Documentation/arch/x86/boot.rst, "HdrS" at 0x202, kernel_version at 0x20e.
 */
export function kernelVersionOf(bytes: Uint8Array): string | undefined {
  if (!hasText(bytes, 0x202, 'HdrS')) return undefined;
  const at = viewOf(bytes).getUint16(0x20e, true) + 0x200;
  return at > 0x200 && at < bytes.length ? (textOf(bytes, at, at + 128).split(' ')[0] ?? '') : '';
}

/** An uncompressed initial ramdisk, or the early microcode before one: a cpio archive in the "newc" format. */
export function isCpio(bytes: Uint8Array): boolean {
  return hasText(bytes, 0, '070701') || hasText(bytes, 0, '070702');
}
