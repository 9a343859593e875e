import { BOOT_DEVICES, type BootDevice } from '../../domain/node/boot-device.js';
import type { DriverContext } from '../contract/context.js';
import type { ManagementInterface } from '../contract/management.js';
import { FAKE_PROPERTIES, type FakeMachine, pause, recall } from './machine.js';

export class FakeManagement implements ManagementInterface {
  readonly name = 'fake';
  readonly properties = FAKE_PROPERTIES;

  constructor(private readonly machine: FakeMachine) {}

  async validate(context: DriverContext): Promise<void> {
    this.machine.validate(context);
  }

  supportedBootDevices(): readonly BootDevice[] {
    return BOOT_DEVICES;
  }

  async getBootDevice(
    context: DriverContext,
  ): Promise<{ boot_device: BootDevice | null; persistent: boolean | null }> {
    const delay = this.machine.delayOf(context, 'management', 'management');
    if (delay > 0) await pause(delay, context.signal);
    this.machine.failIfAsked(context, 'management');
    const device = recall(context, 'fake_boot_device');
    const known = BOOT_DEVICES.find((one) => one === device);
    return known
      ? { boot_device: known, persistent: recall(context, 'fake_boot_persistent') === true }
      : { boot_device: null, persistent: null };
  }

  async setBootDevice(context: DriverContext, device: BootDevice, persistent: boolean): Promise<void> {
    await this.machine.act(context, 'management', `boot device ${device}`, {
      fake_boot_device: device,
      fake_boot_persistent: persistent,
    });
  }
}
