import type { BootDevice } from '../../domain/node/boot-device.js';
import type { DriverContext } from './context.js';
import type { Implementation } from './implementation.js';

/** Failures: FerricError bmc-unreachable, bmc-authentication, bmc-failed, unsupported. */
export interface ManagementInterface extends Implementation {
  supportedBootDevices(context: DriverContext): readonly BootDevice[];
  getBootDevice(
    context: DriverContext,
  ): Promise<{ boot_device: BootDevice | null; persistent: boolean | null }>;
  setBootDevice(context: DriverContext, device: BootDevice, persistent: boolean): Promise<void>;
}
