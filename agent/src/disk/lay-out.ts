import {
  type DiskLabel,
  neededSize,
  type PartitionRole,
  type PlannedPartition,
} from '../../../src/domain/image/disk-layout.js';
import { deployment, messageOf } from '../error.js';
import type { BlockDevice } from '../machine/block-device.js';
import { runProgram } from '../run-program.js';
import { eraseMetadata } from './erase-metadata.js';
import {
  ESP_TYPES,
  type Partition,
  QUIETLY,
  readPartitionTable,
  rereadPartitions,
} from './partition-table.js';
import { wipeSignatures } from './wipe-signatures.js';

const MIB = 2 ** 20;
const TYPES: Readonly<Record<DiskLabel, Readonly<Record<PartitionRole, string>>>> = {
  gpt: {
    esp: ESP_TYPES[0]!,
    'bios-boot': '21686148-6449-6E6F-744E-656564454649',
    ephemeral: 'L',
    swap: 'S',
    'config-drive': 'L',
    root: 'L',
  },
  msdos: {
    esp: 'ef',
    'bios-boot': '83', // never planned: an MBR keeps GRUB before its first partition
    ephemeral: '83',
    swap: '82',
    'config-drive': '83',
    root: '83',
  },
};

/** The partitions of a layout, by role. */
export type LaidOut = ReadonlyMap<PartitionRole, Partition>;

/**
 * Partitions a disk. The partitions are not formatted, and old content in them is made unrecognizable.
 * @param keep the ephemeral partition keeps its content: it must match the plan
 * @throws AgentError DeploymentError; with `keep`, nothing was written then
 */
export async function layOut(
  device: BlockDevice,
  label: DiskLabel,
  plan: readonly PlannedPartition[],
  keep: boolean,
): Promise<LaidOut> {
  const needed = neededSize(plan);
  const table = `${plan.map(({ role, size }) => `${role} ${size}`).join(', ')} MiB`;
  if (needed * MIB > device.size) {
    throw deployment(
      `The disk ${device.name} has ${Math.floor(device.size / MIB)} MiB; its partitions (${table}) need ${needed} MiB.`,
    );
  }
  const kept = keep ? await ephemeralOf(device, label, plan) : undefined;
  if (!kept) await eraseMetadata(device);
  const sectors = (mebibytes: number) => (mebibytes * MIB) / device.logical_sectors;
  const lines = plan.map(({ role, start, size }) =>
    [
      `start=${sectors(start)}, size=${sectors(size)}, type=${TYPES[label][role]}`,
      ...(label === 'gpt' ? [`name="${NAMES[role]}"`] : []),
      ...(label === 'msdos' && role === 'root' ? ['bootable'] : []),
      ...(role === 'ephemeral' && kept?.uuid !== undefined && label === 'gpt' ? [`uuid=${kept.uuid}`] : []),
    ].join(', '),
  );
  try {
    await runProgram(
      'sfdisk',
      [...QUIETLY, '--wipe', kept ? 'never' : 'always', '--wipe-partitions', 'never', device.name],
      { input: `label: ${label === 'gpt' ? 'gpt' : 'dos'}\n${lines.join('\n')}\n` },
    );
  } catch (error) {
    throw deployment(`Disk partitioning failed on device ${device.name}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  await rereadPartitions(device.name);
  const made = await byRole(device, label, plan);
  for (const [role, partition] of made) {
    if (!(kept && role === 'ephemeral')) await wipeSignatures(device.name, partition.start, partition.size);
  }
  return made;
}

/** GPT names, as in udev's /dev/disk/by-partlabel. */
const NAMES: Readonly<Record<PartitionRole, string>> = {
  esp: 'efi-part',
  'bios-boot': 'bios-boot',
  ephemeral: 'ephemeral0',
  swap: 'swap1',
  'config-drive': 'config-2',
  root: 'root',
};

/** Reads the table back: a difference from the plan must fail this step, not the next boot. */
async function byRole(
  device: BlockDevice,
  label: DiskLabel,
  plan: readonly PlannedPartition[],
): Promise<LaidOut> {
  const table = await readPartitionTable(device.name);
  const same = (planned: PlannedPartition) => table?.partitions.find((part) => isAt(part, planned));
  const found = plan.map((planned) => [planned.role, same(planned)] as const);
  const missing = found.filter(([, part]) => part === undefined).map(([role]) => role);
  if (missing.length > 0 || table?.label !== (label === 'gpt' ? 'gpt' : 'dos')) {
    throw deployment(
      `The disk ${device.name} does not show the partitions that were made on it: ${missing.join(', ')}.`,
    );
  }
  return new Map(found as [PartitionRole, Partition][]);
}

async function ephemeralOf(
  device: BlockDevice,
  label: DiskLabel,
  plan: readonly PlannedPartition[],
): Promise<Partition> {
  const planned = plan.find(({ role }) => role === 'ephemeral');
  const table = await readPartitionTable(device.name);
  const found = planned && table?.partitions.find((part) => isAt(part, planned));
  if (!found || table?.label !== (label === 'gpt' ? 'gpt' : 'dos')) {
    throw deployment(
      `preserve_ephemeral: the disk ${device.name} has no ephemeral partition where this layout has it; nothing was ` +
        'written.',
    );
  }
  return found;
}

function isAt(part: Partition, planned: PlannedPartition): boolean {
  return (
    part.number === planned.number && part.start === planned.start * MIB && part.size === planned.size * MIB
  );
}
