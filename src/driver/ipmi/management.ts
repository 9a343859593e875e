import type { IpmiSettings } from '../../config/section/ipmi.js';
import { FerricError, InvalidError } from '../../domain/errors.js';
import type { BootDevice, BootMode } from '../../domain/node/boot-device.js';
import { bootModeOf } from '../capabilities.js';
import type { DriverContext } from '../contract/context.js';
import type { ManagementInterface } from '../contract/management.js';
import { IPMI_PROPERTIES, parseTarget } from './arguments.js';
import { callOf, type Ipmitool } from './ipmitool.js';
import { parseBootDevice, saysBootDeviceSet } from './output.js';

/** Second byte of boot option parameter 5 (IPMI 2.0 table 28-14; Ironic: BOOT_DEVICE_HEXA_MAP). */
const SELECTORS = { pxe: 0x04, disk: 0x08, cdrom: 0x14, bios: 0x18, safe: 0x0c } as const;
type Device = keyof typeof SELECTORS;
const DEVICES = Object.keys(SELECTORS) as Device[];

/** What Supermicro takes for the disk in UEFI mode (https://www.supermicro.com/support/faqs/faq.cfm?faq=25559). */
const SUPERMICRO_UEFI_DISK = 0x24;

/** Set Boot Options, parameter 3: do not clear the boot flags after 60 s (bit 3). */
const KEEP_BOOT_FLAGS = ['raw', '0x00', '0x08', '0x03', '0x08'] as const;

/** Boot device by ipmitool. */
export class IpmiManagement implements ManagementInterface {
  readonly name = 'ipmitool';
  readonly properties = IPMI_PROPERTIES;
  private readonly ipmitool: Ipmitool;
  private readonly settings: IpmiSettings;
  private readonly defaultBootMode: BootMode;

  /** @param parts.defaultBootMode deploy.default_boot_mode */
  constructor(parts: { ipmitool: Ipmitool; settings: IpmiSettings; defaultBootMode: BootMode }) {
    this.ipmitool = parts.ipmitool;
    this.settings = parts.settings;
    this.defaultBootMode = parts.defaultBootMode;
  }

  async validate(context: DriverContext): Promise<void> {
    parseTarget(context.node.driver_info);
  }

  supportedBootDevices(): readonly BootDevice[] {
    return DEVICES;
  }

  async getBootDevice(
    context: DriverContext,
  ): Promise<{ boot_device: BootDevice | null; persistent: boolean | null }> {
    const { forceBootDevice } = parseTarget(context.node.driver_info);
    const { persistent_boot_device: kept, is_next_boot_persistent: next } = context.node.driver_internal_info;
    if (forceBootDevice && isDevice(kept) && next !== false) return { boot_device: kept, persistent: true };
    const stdout = await this.send(context, ['chassis', 'bootparam', 'get', '5'], 'read');
    const answer = parseBootDevice(stdout);
    if (!answer) throw new FerricError('bmc-failed', 'The BMC’s boot flags cannot be read.');
    return answer;
  }

  async setBootDevice(context: DriverContext, device: BootDevice, persistent: boolean): Promise<void> {
    if (!isDevice(device)) {
      throw new InvalidError(`Invalid boot device ${device} specified, supported are ${DEVICES.join(', ')}.`);
    }
    const { forceBootDevice } = parseTarget(context.node.driver_info);
    // A BMC that forgets across power cycles is told again before each start; what is to persist is kept here.
    if (forceBootDevice) await this.remember(context, device, persistent);
    await this.select(context, device, persistent && !forceBootDevice);
  }

  /** The diagnostic interrupt (IPMI 2.0 §28.3, chassis control 4). */
  async injectNmi(context: DriverContext): Promise<void> {
    await this.send(context, ['power', 'diag'], 'control');
  }

  /** Tells a forgetful BMC (`ipmi_force_boot_device`) its persistent boot device again; right before a start. */
  async renewBootDevice(context: DriverContext): Promise<void> {
    if (!parseTarget(context.node.driver_info).forceBootDevice) return;
    const { persistent_boot_device: kept, is_next_boot_persistent: next } = context.node.driver_internal_info;
    if (next === false) {
      // The device of this one start was just set: leave it, and come back to the persistent one at the next.
      await context.save({
        driver_internal_info: { ...context.node.driver_internal_info, is_next_boot_persistent: true },
      });
    } else if (isDevice(kept)) await this.select(context, kept, false);
  }

  private async remember(context: DriverContext, device: Device, persistent: boolean): Promise<void> {
    await context.save({
      driver_internal_info: {
        ...context.node.driver_internal_info,
        is_next_boot_persistent: persistent,
        ...(persistent ? { persistent_boot_device: device } : {}),
      },
    });
  }

  private async select(context: DriverContext, device: Device, persistent: boolean): Promise<void> {
    const target = parseTarget(context.node.driver_info);
    if (target.disableBootTimeout ?? this.settings.disable_boot_timeout) {
      await this.send(context, KEEP_BOOT_FLAGS, 'control');
    }
    const mode = bootModeOf(context.node, this.defaultBootMode);
    if (!mode) throw new InvalidError('capabilities: boot_mode must be bios or uefi');
    if (mode === 'uefi') {
      // Raw: `options=efiboot,persistent` is broken or missing in ipmitool as some distributions ship it.
      const supermicro = String(context.node.properties['vendor'] ?? '').toLowerCase() === 'supermicro';
      const selector = supermicro && device === 'disk' ? SUPERMICRO_UEFI_DISK : SELECTORS[device];
      const flags = [persistent ? 0xe0 : 0xa0, selector, 0, 0, 0].map(hex);
      await this.send(context, ['raw', '0x00', '0x08', '0x05', ...flags], 'control');
    } else {
      const options = persistent ? ['options=persistent'] : [];
      await this.send(context, ['chassis', 'bootdev', device, ...options], 'control', saysBootDeviceSet);
    }
  }

  private send(
    context: DriverContext,
    command: readonly string[],
    kind: 'read' | 'control',
    succeeded?: (stdout: string) => boolean,
  ): Promise<string> {
    return this.ipmitool.execute({
      ...callOf(context, command, kind),
      ...(succeeded ? { succeeded } : {}),
    });
  }
}

function isDevice(value: unknown): value is Device {
  return DEVICES.some((device) => device === value);
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}
