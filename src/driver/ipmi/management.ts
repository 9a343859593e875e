import type { IpmiSettings } from '../../config/section/ipmi.js';
import { FerricError, InvalidError } from '../../domain/errors.js';
import type { BootDevice, BootMode } from '../../domain/node/boot-device.js';
import { BOOT_PARAMETER } from '../../protocol/ipmi/boot-flags.js';
import { bootModeOf } from '../capabilities.js';
import type { DriverContext, ReadContext } from '../contract/context.js';
import type { Startable } from '../contract/implementation.js';
import { changedInternal, internalOf } from '../contract/internal-info.js';
import type { ManagementInterface } from '../contract/management.js';
import { IPMI_PROPERTIES, parseTarget } from './arguments.js';
import { DEVICES, type Device, deviceOf, flagsFor, isDevice } from './boot-device.js';
import { type BmcLink, callOf, givenOnce, IpmiError } from './link.js';

/** Flag of boot option parameter 3: do not clear the boot flags after 60 s. */
const KEEP_FLAGS = 0x08;

/** Boot device through boot flags (IPMI 2.0 §28.12, 28.13), and the diagnostic interrupt. */
export class IpmiManagement implements ManagementInterface {
  readonly name = 'ipmitool';
  readonly needs: Startable;
  readonly properties = IPMI_PROPERTIES;
  private readonly link: BmcLink;
  private readonly settings: IpmiSettings;
  private readonly defaultBootMode: BootMode;

  /** @param parts.defaultBootMode deploy.default_boot_mode */
  constructor(parts: { link: BmcLink; settings: IpmiSettings; defaultBootMode: BootMode }) {
    this.link = parts.link;
    this.needs = parts.link;
    this.settings = parts.settings;
    this.defaultBootMode = parts.defaultBootMode;
  }

  async validate(context: ReadContext): Promise<void> {
    parseTarget(context.node.driver_info);
  }

  supportedBootDevices(): readonly BootDevice[] {
    return DEVICES;
  }

  async getBootDevice(
    context: ReadContext,
  ): Promise<{ boot_device: BootDevice | null; persistent: boolean | null }> {
    const { forceBootDevice } = parseTarget(context.node.driver_info);
    const { persistent_boot_device: kept, is_next_boot_persistent: next } = internalOf(context.node);
    if (forceBootDevice && isDevice(kept) && next !== false) return { boot_device: kept, persistent: true };
    const flags = await this.link.bootFlags(callOf(context));
    if (!flags) throw new FerricError('bmc-failed', 'The BMC’s boot flags cannot be read.');
    return deviceOf(flags);
  }

  /** The device that the BMC holds for the next start only; null also if it cannot report one. */
  async oneTimeDevice(context: ReadContext): Promise<BootDevice | null> {
    try {
      const flags = await this.link.bootFlags(callOf(context));
      return flags && !flags.persistent ? deviceOf(flags).boot_device : null;
    } catch (error) {
      if (error instanceof IpmiError && error.refused) return null;
      throw error;
    }
  }

  async setBootDevice(context: DriverContext, device: BootDevice, persistent: boolean): Promise<void> {
    if (!isDevice(device)) {
      throw new InvalidError(`Invalid boot device ${device} specified, supported are ${DEVICES.join(', ')}.`);
    }
    const { forceBootDevice } = parseTarget(context.node.driver_info);
    // A BMC that forgets the device across power cycles gets it before each start; a persistent one is stored here.
    if (forceBootDevice) await this.remember(context, device, persistent);
    await this.select(context, device, persistent && !forceBootDevice);
  }

  /**
   * The diagnostic interrupt (IPMI 2.0 §28.3, chassis control 4). It leaves no state that a BMC could report, and a
   * second one ends the dump that the first began: without an answer it is not sent again.
   */
  async injectNmi(context: DriverContext): Promise<void> {
    await givenOnce(() => this.link.chassisControl(callOf(context), 'diag'));
  }

  /** Sends a forgetful BMC (`ipmi_force_boot_device`) its persistent boot device again; right before a start. */
  async renewBootDevice(context: DriverContext): Promise<void> {
    if (!parseTarget(context.node.driver_info).forceBootDevice) return;
    const { persistent_boot_device: kept, is_next_boot_persistent: next } = internalOf(context.node);
    if (next === false) {
      // The device of this single start was just set: keep it, and return to the persistent one at the next start.
      const driver_internal_info = changedInternal(context.node, { is_next_boot_persistent: true });
      await context.save({ driver_internal_info });
    } else if (isDevice(kept)) await this.select(context, kept, false);
  }

  private async remember(context: DriverContext, device: Device, persistent: boolean): Promise<void> {
    await context.save({
      driver_internal_info: changedInternal(context.node, {
        is_next_boot_persistent: persistent,
        ...(persistent ? { persistent_boot_device: device } : {}),
      }),
    });
  }

  private async select(context: DriverContext, device: Device, persistent: boolean): Promise<void> {
    const target = parseTarget(context.node.driver_info);
    if (target.disableBootTimeout ?? this.settings.disable_boot_timeout) await this.keepFlags(context);
    const mode = bootModeOf(context.node, this.defaultBootMode);
    if (!mode) throw new InvalidError('capabilities: boot_mode must be bios or uefi');
    const vendor = String(context.node.properties['vendor'] ?? '');
    await this.link.setBootFlags(
      callOf(context),
      flagsFor(device, { persistent, efi: mode === 'uefi', vendor }),
    );
  }

  private async keepFlags(context: DriverContext): Promise<void> {
    try {
      await this.link.setBootOption(callOf(context), BOOT_PARAMETER.flagValidClearing, [KEEP_FLAGS]);
    } catch (error) {
      if (!(error instanceof IpmiError) || !error.refused) throw error;
      throw new FerricError(
        error.code,
        `The BMC refuses to keep its boot flags for more than 60 s (boot option parameter 3): with ipmi_disable_boot_timeout=false in driver_info, or ipmi.disable_boot_timeout for all nodes, it is not asked to. ${error.message}`,
        { cause: error },
      );
    }
  }
}
