import { findDevicesByHints, selectRootDevice } from '../../src/domain/root-device/match.js';
import { isObject, type JsonObject } from '../../src/protocol/agent/malformed-body.js';
import { deviceNotFound, messageOf } from './error.js';
import type { BlockDevice } from './machine/block-device.js';
import type { Machine } from './machine/machine.js';

/** The node as the conductor last showed it: lookup first, then each command that carries one. */
export class NodeCache {
  private node: JsonObject = {};

  constructor(private readonly machine: Machine) {}

  update(node: unknown): void {
    if (isObject(node)) this.node = node;
  }

  /** A key of driver_internal_info, where conductors put the operator's wishes for cleaning. */
  internal(key: string): unknown {
    const info = this.node['driver_internal_info'];
    return isObject(info) ? info[key] : undefined;
  }

  /**
   * The disk that the hints of instance_info, else those of properties, pick.
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
    if (device) return device;
    const seen = devices.map((disk) => `${disk.name} (${disk.size} bytes)`).join(', ') || 'none';
    throw deviceNotFound(
      hints
        ? `No suitable device was found for deployment using these hints ${JSON.stringify(hints)}. Disks: ${seen}.`
        : 'No suitable device was found for deployment - root device hints were not provided and all found block ' +
            `devices are smaller than 4294967296B. Disks: ${seen}.`,
    );
  }

  /** All disks but those that `properties.skip_block_devices` names. @throws AgentError DeviceNotFound */
  disks(): BlockDevice[] {
    const devices = this.machine.listBlockDevices();
    const skip = this.property('properties', 'skip_block_devices');
    if (!Array.isArray(skip)) return devices;
    try {
      // volume_name is about RAID volumes, which this agent does not assemble.
      const hints = skip.filter((hint) => isObject(hint) && !('volume_name' in hint));
      const skipped = new Set(hints.flatMap((hint) => findDevicesByHints(devices, hint)));
      return devices.filter((device) => !skipped.has(device));
    } catch (error) {
      throw deviceNotFound(`properties.skip_block_devices is malformed: ${messageOf(error)}`);
    }
  }

  private property(group: string, key: string): unknown {
    const values = this.node[group];
    return isObject(values) ? (values[key] ?? undefined) : undefined;
  }
}
