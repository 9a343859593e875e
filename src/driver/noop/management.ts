import { InvalidError } from '../../domain/errors.js';
import type { BootDevice } from '../../domain/node/boot-device.js';
import type { DriverContext } from '../contract/context.js';
import type { ManagementInterface } from '../contract/management.js';

const DEVICES = ['pxe', 'disk'] as const satisfies readonly BootDevice[];

/** For machines whose firmware is set to try the network first and the disk next (Ironic: noop_mgmt.py). */
export class NoopManagement implements ManagementInterface {
  readonly name = 'noop';
  readonly properties = {};

  async validate(): Promise<void> {}

  supportedBootDevices(): readonly BootDevice[] {
    return DEVICES;
  }

  async getBootDevice(): Promise<{ boot_device: BootDevice | null; persistent: boolean | null }> {
    return { boot_device: 'pxe', persistent: true };
  }

  async setBootDevice(context: DriverContext, device: BootDevice): Promise<void> {
    if (!DEVICES.some((known) => known === device)) {
      throw new InvalidError(`Invalid boot device ${device} specified, supported are ${DEVICES.join(', ')}.`);
    }
    context.log.debug({ device }, 'noop management: the boot order is the firmware’s own');
  }
}
