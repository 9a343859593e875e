import { withFile, writeFully } from './disk-file.js';

const KIB = 2 ** 10;
const MIB = 2 ** 20;

/**
 * Places of the signatures of file systems, RAID and volume managers, as offsets from the start of their partition:
 * - LVM, ext, xfs, f2fs, LUKS1, bcache, md 1.1 and 1.2, Minix, swap, GFS2, ReiserFS, ISO 9660: the first 128 KiB
 * - ZFS: two labels of 256 KiB each (zfs: include/sys/vdev_impl.h, VDEV_LABELS); UDF: its anchor in block 256
 * - VMFS: 1 MiB and 2 MiB; LUKS2: its second header, up to 4 MiB (LUKS2 on-disk format, §2)
 * - btrfs: copies of its superblock at 64 MiB and 256 GiB (kernel: fs/btrfs/disk-io.h, btrfs_sb_offset)
 */
const FROM_START: readonly (readonly [offset: number, length: number])[] = [
  [0, 5 * MIB],
  [64 * MIB, 64 * KIB],
  [2 ** 38, 64 * KIB],
];
/**
 * Before the end of the partition: ZFS's other two labels, which are on a multiple of 256 KiB; md 0.90 within the last
 * 128 KiB; md 1.0, DDF, firmware RAID and nilfs2's copy closer to the end; UDF's second anchor.
 */
const BEFORE_END = 2 * MIB;

/**
 * Removes the signatures of a partition's old content. A new file system does not overwrite all of them: both would be
 * found, and the result could differ from boot to boot.
 * @param path of the disk, or of the partition's own device @param start bytes on it
 */
export async function wipeSignatures(path: string, start: number, size: number): Promise<void> {
  const places = [...FROM_START, [Math.max(0, size - BEFORE_END), BEFORE_END] as const];
  await withFile(path, 'r+', async (file) => {
    for (const [offset, length] of places) {
      const end = Math.min(offset + length, size);
      for (let at = offset; at < end; at += ZEROS.length)
        await writeFully(file, ZEROS.subarray(0, Math.min(ZEROS.length, end - at)), start + at);
    }
    await file.datasync();
  });
}

const ZEROS = Buffer.alloc(MIB);
