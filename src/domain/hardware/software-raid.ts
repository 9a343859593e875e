import { InvalidError } from '../errors.js';
import { isObject, type JsonObject } from '../json.js';
import { checkRaidConfiguration } from './raid.js';

/** Levels that mdadm builds from disks alone (ironic_python_agent/hardware.py, SUPPORTED_SOFTWARE_RAID_LEVELS). */
const SOFTWARE_LEVELS = ['0', '1', '1+0', '5', '6'] as const;
type SoftwareLevel = (typeof SOFTWARE_LEVELS)[number];

/** Fewest disks of each level. */
const LEAST_DISKS: Readonly<Record<SoftwareLevel, number>> = { '0': 2, '1': 2, '1+0': 2, '5': 3, '6': 4 };

export interface SoftwareDisk {
  readonly raid_level: SoftwareLevel;
  /** GiB on each of its disks, as upstream's agent creates the partitions. */
  readonly size_gb: number | 'MAX';
  readonly volume_name?: string;
  readonly is_root_volume?: boolean;
  /** Hints, one for each disk; absent: all disks. */
  readonly physical_disks?: readonly JsonObject[];
}

/** Whether any logical disk asks for software RAID; others belong to another controller, whose manager checks them. */
export function asksSoftwareRaid(config: Readonly<Record<string, unknown>>): boolean {
  const disks = config['logical_disks'];
  return Array.isArray(disks) && disks.some((disk) => isObject(disk) && disk['controller'] === 'software');
}

/**
 * Checks a software RAID configuration by the rules of upstream's agent (GenericHardwareManager,
 * validate_configuration), for the conductor and for our agent.
 * @throws InvalidError naming every fault
 */
export function softwareRaid(config: Readonly<Record<string, unknown>>): SoftwareDisk[] {
  checkRaidConfiguration(config);
  const disks = config['logical_disks'] as JsonObject[];
  const faults = [...faultsOfAll(disks), ...disks.flatMap(faultsOfDisk)];
  if (faults.length > 0) {
    throw new InvalidError(`Could not validate Software RAID config: ${[...new Set(faults)].join('; ')}`);
  }
  return disks as unknown as SoftwareDisk[];
}

/** @returns why the number of disks is too small for the level; null where it is not */
export function tooFewDisks(level: SoftwareLevel, count: number): string | null {
  return count >= LEAST_DISKS[level]
    ? null
    : `Software RAID configuration is not possible for RAID level ${level} with only ${count} block devices found.`;
}

function faultsOfAll(disks: readonly JsonObject[]): string[] {
  const faults: string[] = [];
  if (disks.length > 2) faults.push('Software RAID configuration requires one or two logical disks');
  if (disks[0]!['raid_level'] !== '1') {
    faults.push('Software RAID Configuration requires RAID-1 for the first logical disk');
  }
  if (disks.filter((disk) => disk['size_gb'] === 'MAX').length > 1) {
    faults.push("Software RAID can have only one RAID device with size 'MAX'");
  }
  const names = disks.flatMap((disk) =>
    typeof disk['volume_name'] === 'string' ? [disk['volume_name']] : [],
  );
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) faults.push(`Duplicate software RAID device name ${twice} detected`);
  return faults;
}

function faultsOfDisk(disk: JsonObject): string[] {
  const faults: string[] = [];
  const { controller, raid_level, physical_disks, volume_name } = disk;
  if (controller !== 'software') {
    faults.push("Software RAID configuration requires all logical disks to have 'controller'='software'");
  }
  if (!(SOFTWARE_LEVELS as readonly unknown[]).includes(raid_level)) {
    faults.push(`Software RAID configuration does not support RAID level ${String(raid_level)}`);
  }
  // mdadm stores the name in 32 bytes of its superblock, and udev makes a path of it (md(4), mdadm(8) --name).
  if (typeof volume_name === 'string' && !/^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/.test(volume_name)) {
    faults.push(`volume_name ${JSON.stringify(volume_name)} must be 1 to 32 letters, digits, dots, _ or -`);
  }
  if (physical_disks === undefined) return faults;
  if (!Array.isArray(physical_disks) || physical_disks.length < 2) {
    faults.push(
      'The physical_disks parameter for software RAID must be a list with at least 2 items, each specifying a disk in ' +
        'the device hints format',
    );
  }
  if (Array.isArray(physical_disks) && physical_disks.some((hints) => !isObject(hints))) {
    faults.push(
      'The physical_disks parameter for software RAID must be a list of device hints (dictionaries)',
    );
  }
  return faults;
}
