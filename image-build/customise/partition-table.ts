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

/** MBR types of a partition that holds others: CHS, LBA, Linux. */
const EXTENDED = ['0x05', '0x0f', '0x85'];

/** Bytes of the disk inside. */
export async function virtualSize(image: string): Promise<number> {
  const answer = JSON.parse(
    await run('qemu-img', ['info', '--output=json', '-U', '-f', await diskFormatOf(image), image]),
  ) as {
    'virtual-size': number;
  };
  return answer['virtual-size'];
}

/**
 * The partitions of a raw disk, or of its first bytes; undefined: it has none, it is one file system.
 * @throws UnsupportedError for a protective MBR without a GPT that can be read
 */
export async function readPartitions(disk: string): Promise<Partition[] | undefined> {
  const head = await bytesAt(disk, 0, PARTITION_TABLE_BYTES);
  if (!isPartitioned(head)) return undefined;
  if (tableOf(head) === undefined)
    throw new UnsupportedError('the image has a protective MBR, but no GPT that can be read behind it');
  const partitions = decodePartitions(head);
  // Boot code in the first sector of a file system ends with the same two bytes as a table.
  return partitions.length > 0 ? partitions : undefined;
}

/**
 * The partitions of any image.
 * @param head a file of its own for the first bytes of the disk inside
 */
export async function partitionsOf(image: string, head: string): Promise<Partition[] | undefined> {
  const format = await diskFormatOf(image);
  await run('qemu-img', ['dd', '-f', format, '-O', 'raw', 'bs=1M', 'count=1', `if=${image}`, `of=${head}`]);
  return readPartitions(head);
}

/**
 * Whose file system is the system's own: the only partition, or the largest.
 * @throws UnsupportedError where it may be one inside an extended partition, which is not looked into
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
