import { closeSync, openSync, readSync } from 'node:fs';
import type { BlockDevice } from './block-device.js';

/** Transports by which one disk can appear several times: dual-ported SAS, and networks of storage. */
const MANY_PATHS = ['sas', 'fc', 'iscsi'];

/**
 * Groups block devices by the disk that they lead to. The ramdisk runs no multipathd, so each path is a device of its
 * own; a standby path refuses reads and writes (SPC-4, asymmetric logical unit access). Paths of one disk have the same
 * WWN, serial number and size.
 * @returns the paths of each disk, in the order of the devices
 */
export function diskUnits(devices: readonly BlockDevice[]): BlockDevice[][] {
  const units: BlockDevice[][] = [];
  for (const device of devices) {
    const unit = units.find(([first]) => first !== undefined && isSameDisk(first, device));
    if (unit) unit.push(device);
    else units.push([device]);
  }
  return units;
}

function isSameDisk(one: BlockDevice, other: BlockDevice): boolean {
  return (
    one.tran !== null &&
    one.tran !== undefined &&
    MANY_PATHS.includes(one.tran) &&
    one.tran === other.tran &&
    Boolean(one.wwn_with_extension) &&
    one.wwn_with_extension === other.wwn_with_extension &&
    one.serial[0] !== undefined &&
    one.serial[0] === other.serial[0] &&
    one.size === other.size
  );
}

/** The device itself if it can be read, or is the only path to its disk; else a path of its disk that can be read. */
export function workingPath(device: BlockDevice, devices: readonly BlockDevice[]): BlockDevice {
  const others = (diskUnits(devices).find((unit) => unit.includes(device)) ?? []).filter(
    (path) => path !== device,
  );
  if (others.length === 0 || canBeRead(device)) return device;
  return others.find(canBeRead) ?? device;
}

function canBeRead({ name, logical_sectors }: BlockDevice): boolean {
  try {
    const file = openSync(name, 'r');
    try {
      return readSync(file, Buffer.alloc(logical_sectors)) > 0;
    } finally {
      closeSync(file);
    }
  } catch {
    return false; // the error itself is told when no path works and this one is used
  }
}

/**
 * Does something to a disk by its first path that works.
 * @param failed is told each path that does not work, unless all fail
 * @throws the error of the first path when none works
 */
export async function byAnyPath(
  unit: readonly BlockDevice[],
  act: (path: BlockDevice) => Promise<void>,
  failed: (path: BlockDevice, error: unknown) => void,
): Promise<void> {
  const errors: { path: BlockDevice; error: unknown }[] = [];
  for (const path of unit) {
    try {
      await act(path);
      for (const one of errors) failed(one.path, one.error);
      return;
    } catch (error) {
      errors.push({ path, error });
    }
  }
  throw errors[0]?.error;
}
