import type { BlockDevice } from '../machine/block-device.js';
import { runProgram } from '../run-program.js';
import { isBlockDevice, zeroRange } from './disk-file.js';
import { readPartitionTable, rereadPartitions } from './partition-table.js';
import { wipeSignatures } from './wipe-signatures.js';

/** Covers both GPT copies at every sector size, boot code, and the RAID and LVM metadata at both ends. */
const END = 2 ** 20;

/**
 * Removes the metadata by which a disk's old content would be recognized: signatures of file systems, RAID and volume
 * managers on the disk and each of its partitions, and the partition tables at both ends. User data in between stays.
 */
export async function eraseMetadata(device: BlockDevice): Promise<void> {
  // Partitions first: without the table their signatures cannot be found.
  const table = await readPartitionTable(device.name);
  for (const partition of [...device.partitions].reverse()) {
    await runProgram('wipefs', ['--force', '--all', partition]);
  }
  for (const { start, size } of table?.partitions ?? []) {
    // A table may claim more than the disk has.
    const within = Math.min(size, device.size - start);
    if (within > 0) await wipeSignatures(device.name, start, within);
  }
  await runProgram('wipefs', ['--force', '--all', device.name]);
  const end = Math.min(END, device.size);
  await zeroRange(device.name, 0, end);
  await zeroRange(device.name, Math.max(0, device.size - end), end);
  if (await isBlockDevice(device.name)) {
    await runProgram('blockdev', ['--flushbufs', device.name]);
    await rereadPartitions(device.name);
  }
}
