import { rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deployment, messageOf } from '../error.js';
import { runProgram } from '../run-program.js';
import { isBlockDevice, readRange, withFile, writeFully } from './disk-file.js';
import { type Partition, partitionPath } from './partition-table.js';

const SECTOR = 512;
/** Only the first page of a swap area has content (linux/swap.h, union swap_header). */
const PAGE = 4096;

/**
 * Makes file systems in partitions by their offset on the disk: no partition device need exist yet.
 * @param scratch directory in memory
 * @throws AgentError DeploymentError
 */
export async function makeFileSystem(
  format: string,
  label: string,
  device: string,
  partition: Partition,
  scratch: string,
): Promise<void> {
  try {
    switch (format) {
      case 'vfat':
        await makeFat(label, device, partition);
        break;
      case 'ext2':
      case 'ext3':
      case 'ext4':
        await makeExt(format, label, device, partition);
        break;
      case 'xfs':
        await makeXfs(label, device, partition);
        break;
      case 'swap':
        await makeSwap(label, device, partition, scratch);
        break;
      default:
        throw deployment(`No file system ${format} can be made here.`);
    }
  } catch (error) {
    throw deployment(
      `Making a ${format} file system on partition ${partition.number} of ${device} failed: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

async function makeFat(label: string, device: string, { start, size }: Partition): Promise<void> {
  // -I: without it mkfs.fat refuses a whole disk.
  await runProgram('mkfs.fat', [
    ...['-I', '-F', '32', '-n', label.toUpperCase(), '--offset', String(start / SECTOR)],
    ...[device, String(size / 1024)],
  ]);
}

async function makeExt(
  format: string,
  label: string,
  device: string,
  { start, size }: Partition,
): Promise<void> {
  await runProgram('mke2fs', [
    ...['-q', '-F', '-t', format, '-L', label, '-E', `offset=${start}`],
    ...[device, `${size / 1024}k`],
  ]);
}

/** mkfs.xfs has no option for an offset. */
async function makeXfs(label: string, device: string, { number }: Partition): Promise<void> {
  if (!(await isBlockDevice(device))) throw deployment('xfs needs a partition device');
  await runProgram('mkfs.xfs', ['-q', '-f', '-L', label, partitionPath(device, number)]);
}

/** Nor has mkswap: its header is made in a sparse file of the same size. */
async function makeSwap(
  label: string,
  device: string,
  { start, size }: Partition,
  scratch: string,
): Promise<void> {
  const path = join(scratch, 'swap-area');
  try {
    await writeFile(path, '', { mode: 0o600 });
    await truncate(path, size);
    await runProgram('mkswap', ['-q', '-L', label, path]);
    const header = await readRange(path, 0, PAGE);
    await withFile(device, 'r+', async (file) => {
      await writeFully(file, header, start);
      await file.sync();
    });
  } finally {
    await rm(path, { force: true });
  }
}
