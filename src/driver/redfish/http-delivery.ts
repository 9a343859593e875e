import { InvalidError } from '../../domain/errors.js';
import { httpBootFault } from '../../protocol/redfish/boot-override.js';
import type { BootTarget } from '../contract/boot.js';
import type { DriverContext, ReadContext } from '../contract/context.js';
import { noHttpBoot, RedfishBootDevice } from './boot-device.js';
import type { DiscDelivery } from './disc-boot.js';
import type { RedfishMachines } from './machine.js';
import { parseTarget } from './target.js';

/**
 * Delivery of a disc by UEFI HTTP boot: the BMC gives its URL to the firmware (DSP0268: ComputerSystem.Boot.HttpBootUri),
 * which downloads it with an address of its own. The URL is set with the boot device, before each start.
 */
export class RedfishHttpDelivery implements DiscDelivery {
  readonly isDrive = false;
  readonly modes = ['uefi'] as const;
  private readonly bootDevice: RedfishBootDevice;

  constructor(private readonly machines: RedfishMachines) {
    this.bootDevice = new RedfishBootDevice(machines);
  }

  validate(context: ReadContext): void {
    parseTarget(context.node.driver_info, context.node.driver_internal_info);
    const shown = this.machines.of(context).lastBoot();
    const fault = shown && httpBootFault(shown.system, null, shown.differences);
    if (fault !== undefined) throw new InvalidError(noHttpBoot(fault));
  }

  async check(context: DriverContext): Promise<void> {
    await this.bootDevice.checkHttpUri(context);
  }

  async readers() {
    return { machine: true, addresses: [] };
  }

  async deliver(_context: DriverContext, url: string): Promise<Pick<BootTarget, 'device' | 'uri'>> {
    return { device: 'uefihttp', uri: url };
  }

  async withdraw(context: DriverContext): Promise<void> {
    await this.bootDevice.clearHttpUri(context);
  }

  unread(server: string): string {
    return (
      'Nothing of the disc was ever fetched by UEFI HTTP boot, so the machine cannot have booted from it. Check that its ' +
      `firmware gets an address and reaches ${server}, and that its setup allows HTTP boot, without TLS for an http URL.`
    );
  }
}
