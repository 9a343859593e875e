import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { RootDeviceCandidate } from '../../../src/domain/root-device/match.js';

/** A disk, with the field names of upstream's inventory. */
export interface BlockDevice extends RootDeviceCandidate {
  model: string | null;
  vendor: string | null;
  /** Short form first, then with the model before it, as udev names it. */
  serial: string[];
  wwn: string[];
  logical_sectors: number;
  physical_sectors: number;
  readOnly: boolean;
  /** Partition devices that the kernel shows, such as `/dev/sda1`. */
  partitions: string[];
}

/** RAM, loop and optical devices, floppies, and parts of other devices are no disks to deploy on. */
const NO_DISK = /^(ram|zram|loop|sr|fd|dm-|nbd|mtdblock|nvme\d+c\d+n)/;

/**
 * Reads the disks from sysfs. No udev runs in the ramdisk, so what udev would say (serial, WWN, path) is taken
 * from where udev takes it.
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
  const dir = realpathSync(join(sys, 'class/block', name));
  const text = (file: string) => readText(join(dir, file));
  if (text('partition') !== null) return undefined;
  const size = Number(text('size') ?? 0) * 512;
  if (size === 0) return undefined; // empty card readers and virtual floppies
  const model = text('device/model');
  const identity = identify(dir, name, text);
  const serials = identity.serial === null ? [] : [identity.serial];
  if (identity.serial !== null && model !== null) {
    serials.push(`${model.trim().replace(/\s+/g, '_')}_${identity.serial}`);
  }
  return {
    name: `/dev/${name}`,
    model,
    size,
    rotational: text('queue/rotational') === '1',
    vendor: text('device/vendor'),
    serial: serials,
    ...identity.wwn,
    hctl: hctlOf(dir),
    by_path: pathOf(dir, name),
    tran: transportOf(dir, name),
    logical_sectors: Number(text('queue/logical_block_size') ?? 512),
    physical_sectors: Number(text('queue/physical_block_size') ?? 512),
    readOnly: text('ro') === '1',
    partitions: readdirSync(dir)
      .filter((entry) => entry.startsWith(name) && readText(join(dir, entry, 'partition')) !== null)
      .map((entry) => `/dev/${entry}`)
      .sort(),
  };
}

interface Wwn {
  wwn: string[];
  wwn_with_extension: string | null;
  wwn_vendor_extension: string | null;
}

function identify(
  dir: string,
  name: string,
  text: (file: string) => string | null,
): { serial: string | null; wwn: Wwn } {
  const wwid = text('device/wwid') ?? text('wwid');
  const serial = text('device/serial') ?? text('serial') ?? unitSerial(join(dir, 'device/vpd_pg80'));
  if (name.startsWith('nvme')) return { serial, wwn: plainWwn(wwid) };
  const naa = wwid === null ? null : /^naa\.([0-9a-f]{16})([0-9a-f]{16})?$/i.exec(wwid);
  if (!naa) return { serial, wwn: plainWwn(null) };
  const [, first, extension] = naa;
  // NAA type 6 has a vendor's extension behind the eight bytes that others consist of.
  return {
    serial,
    wwn: {
      wwn: [`0x${first}`, ...(extension ? [`0x${first}${extension}`] : [])],
      wwn_with_extension: `0x${first}${extension ?? ''}`,
      wwn_vendor_extension: extension ? `0x${extension}` : null,
    },
  };
}

function plainWwn(value: string | null): Wwn {
  return { wwn: value === null ? [] : [value], wwn_with_extension: value, wwn_vendor_extension: null };
}

/** SCSI vital product data page 0x80 (SPC-4 §7.8.15): four bytes of header, then text. */
function unitSerial(path: string): string | null {
  try {
    const page = readFileSync(path);
    const serial = page
      .subarray(4, 4 + page.readUInt16BE(2))
      .toString('latin1')
      .replaceAll('\0', '')
      .trim();
    return serial === '' ? null : serial;
  } catch {
    return null; // the device has no such page
  }
}

/** Host:channel:target:lun, which is the name of the SCSI device's own directory. */
function hctlOf(dir: string): string | null {
  const name = linkName(join(dir, 'device'));
  return name !== null && /^\d+:\d+:\d+:\d+$/.test(name) ? name : null;
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

/** The name that udev's path_id gives under /dev/disk/by-path, for the buses that servers have. */
function pathOf(dir: string, name: string): string | null {
  const pci = [...dir.matchAll(/\/([0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])(?=\/)/g)].at(-1)?.[1];
  if (pci === undefined) return null;
  const path = `/dev/disk/by-path/pci-${pci}`;
  if (name.startsWith('nvme')) {
    const namespace = /n(\d+)$/.exec(name)?.[1];
    return namespace === undefined ? null : `${path}-nvme-${namespace}`;
  }
  const hctl = hctlOf(dir);
  if (/\/virtio\d+\/block\//.test(dir)) return path;
  const ata = /\/ata(\d+)\//.exec(dir);
  if (ata) return `${path}-ata-${ataPort(dir, ata[1]!)}`;
  if (hctl === null || /\/(usb\d+|rport-|end_device-|session)/.test(dir)) return null;
  const [, channel, target, lun] = hctl.split(':');
  return `${path}-scsi-0:${channel}:${target}:${lun}`;
}

/** path_id counts the ports of one controller from 1; the kernel counts all of them. */
function ataPort(dir: string, number: string): number {
  const parent = dir.slice(0, dir.indexOf(`/ata${number}/`));
  const ports = readdirSync(parent)
    .map((entry) => /^ata(\d+)$/.exec(entry)?.[1])
    .filter((port) => port !== undefined)
    .map(Number);
  return Number(number) - Math.min(...ports) + 1;
}

function linkName(path: string): string | null {
  try {
    return basename(readlinkSync(path));
  } catch {
    return null; // not there
  }
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim() || null;
  } catch {
    return null; // sysfs has a file only where the device knows the answer
  }
}
