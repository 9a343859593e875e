// The partitions of a partition image's disk and their places: one rule for conductor and agent.
import { InvalidError } from '../errors.js';
import type { BootMode } from '../node/boot-device.js';

export type DiskLabel = 'gpt' | 'msdos';

/** MiB; 0: no such partition. */
export interface LayoutSizes {
  root: number;
  swap: number;
  ephemeral: number;
  configDrive: number;
}

export interface LayoutRequest extends LayoutSizes {
  label: DiskLabel;
  bootMode: BootMode;
}

export type PartitionRole = 'esp' | 'bios-boot' | 'ephemeral' | 'swap' | 'config-drive' | 'root';

export interface PlannedPartition {
  role: PartitionRole;
  /** From 1, as the partition table counts. */
  number: number;
  /** MiB from the start of the disk. */
  start: number;
  /** MiB. */
  size: number;
}

/**
 * The defaults of the agent's options efi_system_partition_size and bios_boot_partition_size
 * (ironic_python_agent/config.py).
 */
const ESP = 550;
const BIOS_BOOT = 1;
/** MiB before the first partition, for the table, and after the last one, for a GPT's second copy. */
const MARGIN = 1;
/** Primary partitions of an MBR. */
const MOST_PRIMARY = 4;

/** The disk label where none is named. */
export function defaultLabel(bootMode: BootMode): DiskLabel {
  return bootMode === 'uefi' ? 'gpt' : 'msdos';
}

/**
 * The order is upstream's (ironic_python_agent/disk_utils.py, make_partitions): partitions that a rebuild may keep come
 * before those that may change their size, and root is last, so that an installed system can grow into the rest of the
 * disk.
 * @throws InvalidError when an MBR has too few entries
 */
export function planPartitions(request: LayoutRequest): PlannedPartition[] {
  const { label, bootMode } = request;
  const sizes: [PartitionRole, number][] = [
    ['esp', bootMode === 'uefi' ? ESP : 0],
    ['bios-boot', bootMode === 'bios' && label === 'gpt' ? BIOS_BOOT : 0],
    ['ephemeral', request.ephemeral],
    ['swap', request.swap],
    ['config-drive', request.configDrive],
    ['root', request.root],
  ];
  let start = MARGIN;
  const partitions: PlannedPartition[] = [];
  for (const [role, size] of sizes) {
    if (size === 0) continue;
    partitions.push({ role, number: partitions.length + 1, start, size });
    start += size;
  }
  if (label === 'msdos' && partitions.length > MOST_PRIMARY) {
    throw new InvalidError(
      `A disk with an msdos label holds ${MOST_PRIMARY} partitions, but ${partitions.length} are asked for ` +
        `(${partitions.map(({ role }) => role).join(', ')}): set disk_label to gpt, or ask for fewer.`,
    );
  }
  return partitions;
}

/** MiB that a disk needs for these partitions. */
export function neededSize(partitions: readonly PlannedPartition[]): number {
  const last = partitions.at(-1);
  return (last === undefined ? 0 : last.start + last.size) + MARGIN;
}
