import type { SoftwareDisk } from '../../../src/domain/hardware/software-raid.js';
import { tooFewDisks } from '../../../src/domain/hardware/software-raid.js';
import { findDevicesByHints } from '../../../src/domain/root-device/match.js';
import { partitionPath } from '../disk/partition-table.js';
import { softwareRaidError } from '../error.js';
import type { BlockDevice } from '../machine/block-device.js';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
/** The size that upstream keeps free for an EFI system partition on each disk (raid_utils.py, ESP_SIZE_MIB). */
export const ESP_MIB = 550;

export interface RaidPartition {
  /** Bytes from the start of the disk. */
  start: number;
  size: number;
}

export interface RaidPlan {
  label: 'gpt' | 'dos';
  disks: { disk: BlockDevice; partitions: RaidPartition[] }[];
  arrays: { name: string; level: string; members: string[]; wanted: SoftwareDisk }[];
}

/**
 * Plans the partitions and the arrays (ironic_python_agent/hardware.py, _do_create_configuration): each logical disk
 * has one partition of its size on each of its disks; the one that takes the rest comes last.
 * @throws AgentError SoftwareRAIDError
 */
export function planRaid(
  disks: readonly BlockDevice[],
  logical: readonly SoftwareDisk[],
  boot: { mode: 'bios' | 'uefi'; label: 'gpt' | 'dos' },
): RaidPlan {
  const order = [
    ...logical.filter(({ size_gb }) => size_gb !== 'MAX'),
    ...logical.filter(({ size_gb }) => size_gb === 'MAX'),
  ];
  const plan: RaidPlan = { label: boot.label, disks: [], arrays: [] };
  for (const [index, wanted] of order.entries()) {
    const members = disksFor(disks, wanted);
    const few = tooFewDisks(wanted.raid_level, members.length);
    if (few !== null) throw softwareRaidError(few);
    plan.arrays.push({
      name: wanted.volume_name ?? `md${index}`,
      // mdadm's name for it.
      level: wanted.raid_level === '1+0' ? '10' : wanted.raid_level,
      members: members.map((disk) => addPartition(plan, disk, wanted, boot.mode)),
      wanted,
    });
  }
  return plan;
}

/** One disk for each hint, all different; without hints all disks. */
function disksFor(disks: readonly BlockDevice[], { physical_disks: hints }: SoftwareDisk): BlockDevice[] {
  if (hints === undefined) return [...disks];
  const taken: BlockDevice[] = [];
  for (const hint of hints) {
    const found = findDevicesByHints(disks, hint).find((disk) => !taken.includes(disk as BlockDevice));
    if (!found) {
      throw softwareRaidError(
        `No candidates for physical disk ${JSON.stringify(hint)} from the list ` +
          `${disks.map(({ name }) => name).join(', ') || 'of none'}` +
          (taken.length > 0
            ? ` after picking ${taken.map(({ name }) => name).join(', ')} for the same volume`
            : ''),
      );
    }
    taken.push(found as BlockDevice);
  }
  return taken;
}

/** @returns the partition's device */
function addPartition(
  plan: RaidPlan,
  disk: BlockDevice,
  { size_gb }: SoftwareDisk,
  mode: 'bios' | 'uefi',
): string {
  const known = plan.disks.find((one) => one.disk === disk);
  const on = known ?? { disk, partitions: [] as RaidPartition[] };
  if (!known) plan.disks.push(on);
  const before = on.partitions.at(-1);
  const start = before ? before.start + before.size : firstStart(mode, plan.label);
  // Space for a GPT's backup; an MBR has none, and cannot count beyond 2^32 sectors.
  const end =
    plan.label === 'gpt'
      ? Math.floor(disk.size / MIB) * MIB - MIB
      : Math.min(Math.floor(disk.size / MIB) * MIB, (2 ** 32 - 1) * disk.logical_sectors);
  // The first partition ends at its size from the start of the disk, as in upstream.
  const wanted = size_gb === 'MAX' ? end : (before ? start : 0) + size_gb * GIB;
  if (wanted > end || wanted - start < 100 * MIB) {
    throw softwareRaidError(
      `The disk ${disk.name} of ${disk.size} bytes has no room for a logical disk of ${size_gb} GiB.`,
    );
  }
  const size = Math.floor((wanted - start) / MIB) * MIB;
  on.partitions.push({ start, size });
  return partitionPath(disk.name, on.partitions.length);
}

/** Space for the firmware's boot partition (raid_utils.py, calculate_raid_start). */
function firstStart(mode: 'bios' | 'uefi', label: 'gpt' | 'dos'): number {
  if (mode === 'uefi') return (ESP_MIB + 1) * MIB;
  return label === 'gpt' ? 8 * MIB : MIB;
}

/** The sfdisk script for one disk. */
export function partitionScript(
  label: 'gpt' | 'dos',
  partitions: readonly RaidPartition[],
  sector: number,
): string {
  const type = label === 'gpt' ? 'A19D880F-05FC-4D3B-A006-743F0F84911E' : 'fd';
  const lines = partitions.map(
    ({ start, size }) => `start=${start / sector}, size=${size / sector}, type=${type}`,
  );
  return [`label: ${label}`, ...lines, ''].join('\n');
}
