import { truncate } from 'node:fs/promises';
import { RefusedError } from '../error.js';
import { run } from '../process/run.js';

export interface Partition {
  number: number;
  /** Bytes. */
  start: number;
  size: number;
}

/** Bytes of the disk inside. */
export async function virtualSize(image: string): Promise<number> {
  const answer = JSON.parse(await run('qemu-img', ['info', '--output=json', '-U', image])) as {
    'virtual-size': number;
  };
  return answer['virtual-size'];
}

/** The partitions of a raw disk; undefined: it has none, it is one file system. */
export async function readPartitions(disk: string): Promise<Partition[] | undefined> {
  const kind = await run('blkid', ['-p', '-o', 'value', '-s', 'PTTYPE', disk], { accepted: [0, 2] });
  if (kind === '') return undefined;
  const { partitiontable: table } = JSON.parse(await run('sfdisk', ['--json', disk])) as {
    partitiontable: { sectorsize?: number; partitions?: { node: string; start: number; size: number }[] };
  };
  const sector = table.sectorsize ?? 512;
  return (table.partitions ?? []).map(({ node, start, size }) => ({
    number: Number(/\d+$/.exec(node)![0]),
    start: start * sector,
    size: size * sector,
  }));
}

/**
 * The partitions of any image, by its first and last blocks alone.
 * @param head a file of its own for them
 */
export async function partitionsOf(image: string, head: string): Promise<Partition[] | undefined> {
  await run('qemu-img', ['dd', '-O', 'raw', 'bs=1M', 'count=4', `if=${image}`, `of=${head}`]);
  await truncate(head, await virtualSize(image));
  return readPartitions(head);
}

/** Whose file system is the system's own: the only partition, or the largest. */
export function rootPartition(partitions: readonly Partition[]): Partition {
  const [largest] = [...partitions].sort((a, b) => b.size - a.size);
  if (!largest) throw new RefusedError('the image has a partition table without partitions');
  return largest;
}
