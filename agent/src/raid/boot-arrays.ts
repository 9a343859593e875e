import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { AgentLog } from '../agent-log.js';
import { addLoaderEntries, findEspOf, type LoaderPlace, loadersOn } from '../disk/boot-entry.js';
import { partitionPath, QUIETLY, readPartitionTable, rereadPartitions } from '../disk/partition-table.js';
import { deployment } from '../error.js';
import type { BlockDevice } from '../machine/block-device.js';
import type { NodeCache } from '../node-cache.js';
import type { RaidArray, Run } from './arrays.js';
import { ESP_MIB } from './layout.js';

const MIB = 2 ** 20;
/** Upstream's volume name of the mirror; a later deployment finds it by that. */
const MIRROR = 'esp';
/** Outside of the numbers that a configuration counts up from 0 and mdadm counts down from 127. */
const MIRROR_DEVICE = '/dev/md100';

/**
 * Makes an array bootable for firmware, which cannot read arrays. The image's EFI system partition moves to the space
 * kept free on each disk, as a mirror with its superblock at the end, so that each copy is a plain FAT
 * (ironic_python_agent/raid_utils.py, prepare_boot_partitions_for_softraid).
 * @throws AgentError
 */
export async function startFromArray(
  array: RaidArray,
  node: NodeCache,
  tools: { run: Run; log: AgentLog },
): Promise<void> {
  const { run, log } = tools;
  await rereadPartitions(array.device);
  const esp = await findEspOf(array.device);
  if (esp.size > ESP_MIB * MIB) {
    throw deployment(
      `The EFI system partition of the image has ${esp.size} bytes, the disks have room for ${ESP_MIB} MiB.`,
    );
  }
  const source = partitionPath(array.device, esp.number);
  const loaders = await loadersOn(source);
  const mirror = node.arrayNamed(MIRROR) ?? (await makeMirror(array, node, run));
  await copy(source, mirror.device);
  // With two file systems of one UUID it would be undefined which of them the system mounts.
  await run('wipefs', ['--all', '--force', source]);
  await run('mdadm', ['--wait', mirror.device], { accept: [0, 1] });
  await addLoaderEntries(loaders, mirror.members.map(placeOf), log);
}

/** Makes the mirror of one partition on each disk of the array. */
async function makeMirror(
  array: RaidArray,
  node: NodeCache,
  run: Run,
): Promise<Pick<RaidArray, 'device' | 'members'>> {
  const members: string[] = [];
  for (const disk of node.allDisks().filter(({ name }) => array.disks.includes(name))) {
    members.push(await addEsp(disk, run));
  }
  await run('mdadm', [
    ...['--create', MIRROR_DEVICE, '--force', '--run', '--metadata=1.0', '--level', '1', '--name', MIRROR],
    ...['--raid-devices', String(members.length), ...members],
  ]);
  return { device: MIRROR_DEVICE, members };
}

/** Disk and number of `/dev/sda2` or `/dev/nvme0n1p2`, for firmware's boot entries. */
function placeOf(partition: string): LoaderPlace {
  const [, digits, letters, number] = /^(?:(.*\d)p|(.*\D))(\d+)$/.exec(partition)!;
  return { device: (digits ?? letters)!, number: Number(number) };
}

/** @returns the partition's device */
async function addEsp({ name, logical_sectors: sector }: BlockDevice, run: Run): Promise<string> {
  const before = await readPartitionTable(name);
  const line = `start=${MIB / sector}, size=${(ESP_MIB * MIB) / sector}, type=U\n`;
  await run('sfdisk', [...QUIETLY, '--append', '--wipe', 'never', '--wipe-partitions', 'always', name], {
    input: line,
  });
  await rereadPartitions(name);
  const after = await readPartitionTable(name);
  const number = after?.partitions.find(
    (part) => !before?.partitions.some((old) => old.number === part.number),
  )?.number;
  if (number === undefined) throw deployment(`No EFI system partition could be made on ${name}.`);
  return partitionPath(name, number);
}

async function copy(source: string, target: string): Promise<void> {
  const file = await open(target, 'r+');
  try {
    let at = 0;
    for await (const piece of createReadStream(source, { highWaterMark: MIB })) {
      await file.write(piece as Buffer, 0, (piece as Buffer).length, at);
      at += (piece as Buffer).length;
    }
    await file.datasync();
  } finally {
    await file.close();
  }
}
