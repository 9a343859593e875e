import { findDevicesByHints, selectRootDevice } from '../../src/domain/root-device/match.js';
import { type UncheckedObject } from '../../src/protocol/agent/malformed-body.js';
import { isObject } from '../../src/protocol/json.js';
import { deviceNotFound, messageOf } from './error.js';
import type { BlockDevice } from './machine/block-device.js';
import { diskUnits, workingPath } from './machine/disk-unit.js';
import type { Machine } from './machine/machine.js';
import type { RaidArray } from './raid/arrays.js';

/** The node as the conductor sent it last: with lookup, then with each command that includes one. */
export class NodeCache {
  private node: UncheckedObject = {};
  private arrays: readonly RaidArray[] = [];

  constructor(private readonly machine: Machine) {}

  update(node: unknown): void {
    if (isObject(node)) this.node = node;
  }

  /** Stores the running arrays. */
  knowArrays(arrays: readonly RaidArray[]): void {
    this.arrays = arrays;
  }

  isInArray({ name }: Pick<BlockDevice, 'name'>): boolean {
    return this.arrays.some(({ disks }) => disks.includes(name));
  }

  arrayOf({ name }: Pick<BlockDevice, 'name'>): RaidArray | undefined {
    return this.arrays.find(({ device }) => device === name);
  }

  arrayNamed(name: string): RaidArray | undefined {
    return this.arrays.find((array) => array.name === name);
  }

  /** Whether `properties.skip_block_devices` names the volume or one of its disks. @throws AgentError DeviceNotFound */
  keepsArray(array: RaidArray): boolean {
    const skip = this.property('properties', 'skip_block_devices');
    const named =
      Array.isArray(skip) && skip.some((hint) => isObject(hint) && hint['volume_name'] === array.name);
    const left = this.allDisks().map(({ name }) => name);
    return named || array.disks.some((disk) => !left.includes(disk));
  }

  /** A key of driver_internal_info, where conductors put the operator's settings for cleaning. */
  internal(key: string): unknown {
    const info = this.node['driver_internal_info'];
    return isObject(info) ? info[key] : undefined;
  }

  /**
   * The disk that matches the hints of instance_info, else those of properties.
   * @throws AgentError DeviceNotFound
   */
  rootDevice(): BlockDevice {
    const hints = this.property('instance_info', 'root_device') ?? this.property('properties', 'root_device');
    const devices = this.disks();
    let device: BlockDevice | undefined;
    try {
      device = selectRootDevice(devices, hints);
    } catch (error) {
      throw deviceNotFound(
        `No devices could be found using the root device hints ${JSON.stringify(hints)} because they failed to ` +
          `validate. Error: ${messageOf(error)}`,
      );
    }
    if (device) return workingPath(device, devices);
    const seen = devices.map((disk) => `${disk.name} (${disk.size} bytes)`).join(', ') || 'none';
    throw deviceNotFound(
      hints
        ? `No suitable device was found for deployment using these hints ${JSON.stringify(hints)}. Disks: ${seen}.`
        : 'No suitable device was found for deployment - root device hints were not provided and all found block ' +
            `devices are smaller than 4294967296B. Disks: ${seen}.`,
    );
  }

  /**
   * The devices for deployment and erasure: arrays, found by their UUID, instead of their disks.
   * @throws AgentError DeviceNotFound
   */
  disks(): BlockDevice[] {
    return this.notSkipped((device) => !this.isInArray(device));
  }

  /** The disks that arrays can be made of, including members of arrays. @throws AgentError DeviceNotFound */
  allDisks(): BlockDevice[] {
    return this.notSkipped(({ name }) => !name.startsWith('/dev/md'));
  }

  /** All devices except those in `properties.skip_block_devices`, and the other paths to their disks. */
  private notSkipped(wanted: (device: BlockDevice) => boolean): BlockDevice[] {
    const devices = this.machine
      .listBlockDevices()
      .filter(wanted)
      .map((device) => {
        const array = this.arrayOf(device);
        return array ? { ...device, serial: [array.uuid, array.name] } : device;
      });
    const skip = this.property('properties', 'skip_block_devices');
    if (!Array.isArray(skip)) return devices;
    try {
      const kept = skip.filter(isObject);
      const volumes = kept.flatMap((hint) => hint['volume_name'] ?? []);
      const hints = kept.filter((hint) => !('volume_name' in hint));
      const named = new Set(hints.flatMap((hint) => findDevicesByHints(devices, hint)));
      const skipped = new Set(
        diskUnits(devices)
          .filter((unit) => unit.some((path) => named.has(path)))
          .flat(),
      );
      return devices.filter(
        (device) => !skipped.has(device) && !volumes.includes(this.arrayOf(device)?.name ?? ''),
      );
    } catch (error) {
      throw deviceNotFound(`properties.skip_block_devices is malformed: ${messageOf(error)}`);
    }
  }

  private property(group: string, key: string): unknown {
    const values = this.node[group];
    return isObject(values) ? (values[key] ?? undefined) : undefined;
  }
}
