import { rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deployment, messageOf } from '../error.js';
import { runProgram } from '../run-program.js';
import { isBlockDevice, readRange, withFile, writeFully } from './disk-file.js';
import { type Partition, partitionPath } from './partition-table.js';

const SECTOR = 512;
/** Of a swap area only the first page says anything (linux/swap.h, union swap_header). */
const PAGE = 4096;

/**
 * Makes file systems inside partitions by their place on the disk, so that no partition device has to appear first.
 * @param scratch folder in memory
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
  // -I: it would rather have a partition than a disk.
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

/** mkfs.xfs knows no offset. */
async function makeXfs(label: string, device: string, { number }: Partition): Promise<void> {
  if (!(await isBlockDevice(device))) throw deployment('xfs needs a partition device');
  await runProgram('mkfs.xfs', ['-q', '-f', '-L', label, partitionPath(device, number)]);
}

/** Nor does mkswap: its header is made in a file of the same size, without holding that much. */
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
