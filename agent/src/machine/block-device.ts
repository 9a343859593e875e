import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RootDeviceCandidate } from '../../../src/domain/root-device/match.js';
import { identityOf } from './disk-identity.js';
import { diskPaths, hctlOf } from './disk-path.js';
import { SysfsDevice } from './sysfs-device.js';

/** A disk, with the field names of upstream's inventory. */
export interface BlockDevice extends RootDeviceCandidate {
  model: string | null;
  vendor: string | null;
  /** udev's short form first, then its long form, then the unit's own if different. */
  serial: string[];
  /** First without the vendor extension, then with it. */
  wwn: string[];
  /** udev's current name first, then that of older versions. */
  by_path: string[];
  logical_sectors: number;
  physical_sectors: number;
  readOnly: boolean;
  /** Partition devices that the kernel shows, such as `/dev/sda1`. */
  partitions: string[];
}

/** RAM, loop and optical devices, floppies, and parts of other devices are not disks for a deployment. */
const NO_DISK = /^(ram|zram|loop|sr|fd|dm-|nbd|mtdblock|nvme\d+c\d+n)/;

/**
 * Reads the disks from sysfs. No udev runs in the ramdisk, so its properties (serial, WWN, path) are derived here by
 * its rules from the same sources.
 * @param sys the mounted sysfs
 */
export function listBlockDevices(sys = '/sys'): BlockDevice[] {
  return readdirSync(join(sys, 'class/block'))
    .filter((name) => !NO_DISK.test(name))
    .sort()
    .map((name) => readDisk(sys, name))
    .filter((disk) => disk !== undefined);
}

function readDisk(sys: string, name: string): BlockDevice | undefined {
  const disk = SysfsDevice.at(sys, join(sys, 'class/block', name));
  if (!disk || disk.text('partition') !== undefined) return undefined;
  const size = Number(disk.text('size') ?? 0) * 512;
  if (size === 0) return undefined; // empty card readers and virtual floppies
  const { serial, ...wwn } = identityOf(disk);
  const scsi = disk.above('scsi', 'scsi_device');
  return {
    name: `/dev/${name}`,
    model: disk.text('device/model') ?? null,
    size,
    rotational: disk.text('queue/rotational') === '1',
    vendor: disk.text('device/vendor') ?? null,
    serial,
    ...wwn,
    wwn: [...new Set([wwn.wwn, wwn.wwn_with_extension])].filter((value) => value !== null),
    hctl: scsi && hctlOf(scsi.name) ? scsi.name : null,
    by_path: diskPaths(disk),
    tran: transportOf(disk.dir, name),
    logical_sectors: Number(disk.text('queue/logical_block_size') ?? 512),
    physical_sectors: Number(disk.text('queue/physical_block_size') ?? 512),
    readOnly: disk.text('ro') === '1',
    partitions: disk
      .entries()
      .filter((entry) => entry.startsWith(name) && disk.text(`${entry}/partition`) !== undefined)
      .map((entry) => `/dev/${entry}`)
      .sort(),
  };
}

function transportOf(dir: string, name: string): string | null {
  if (name.startsWith('nvme')) return 'nvme';
  if (/\/virtio\d+\/block\//.test(dir)) return 'virtio';
  if (/\/usb\d+\//.test(dir)) return 'usb';
  if (/\/ata\d+\//.test(dir)) return 'sata';
  if (/\/session\d+\//.test(dir)) return 'iscsi';
  if (/\/end_device-/.test(dir)) return 'sas';
  if (/\/rport-/.test(dir)) return 'fc';
  return null;
}
