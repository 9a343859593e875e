import { UnsupportedError } from '../../src/domain/errors.js';
import { isPartitioned, tableOf } from '../../src/protocol/image-format/partition-table.js';
import {
  decodePartitions,
  PARTITION_TABLE_BYTES,
  type Partition,
} from '../../src/protocol/image-format/partitions.js';
import { bytesAt } from '../inspect/bytes-at.js';
import { diskFormatOf } from '../inspect/disk-format.js';
import { run } from '../process/run.js';

/** MBR types of extended partitions: CHS, LBA, Linux. */
const EXTENDED = ['0x05', '0x0f', '0x85'];

/** Virtual size of an image, bytes. */
export async function virtualSize(image: string): Promise<number> {
  const answer = JSON.parse(
    await run('qemu-img', ['info', '--output=json', '-U', '-f', await diskFormatOf(image), image]),
  ) as {
    'virtual-size': number;
  };
  return answer['virtual-size'];
}

/**
 * Partitions of a raw disk, or of its first bytes; undefined: no table, the disk is one file system.
 * @throws UnsupportedError for a protective MBR without a readable GPT
 */
export async function readPartitions(disk: string): Promise<Partition[] | undefined> {
  const head = await bytesAt(disk, 0, PARTITION_TABLE_BYTES);
  if (!isPartitioned(head)) return undefined;
  if (tableOf(head) === undefined)
    throw new UnsupportedError('the image has a protective MBR, but no GPT that can be read behind it');
  const partitions = decodePartitions(head);
  // A boot sector of a file system ends with the same two bytes as an MBR.
  return partitions.length > 0 ? partitions : undefined;
}

/**
 * Partitions of an image in any format.
 * @param head scratch file for the first bytes of the virtual disk
 */
export async function partitionsOf(image: string, head: string): Promise<Partition[] | undefined> {
  const format = await diskFormatOf(image);
  await run('qemu-img', ['dd', '-f', format, '-O', 'raw', 'bs=1M', 'count=1', `if=${image}`, `of=${head}`]);
  return readPartitions(head);
}

/**
 * The partition of the root file system: the only one, or the largest.
 * @throws UnsupportedError if it may be inside an extended partition, which is not read
 */
export function rootPartition(partitions: readonly Partition[]): Partition {
  const extended = partitions.find(({ type }) => EXTENDED.includes(type));
  if (extended)
    throw new UnsupportedError(
      `partition ${extended.number} of the image is an extended one: which of those inside is to grow can't be told`,
    );
  const [largest] = [...partitions].sort((a, b) => b.size - a.size);
  if (!largest) throw new UnsupportedError('the image has a partition table without partitions');
  return largest;
}
