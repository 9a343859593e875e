import type { IndicatorState, MediaDevice } from '../../domain/hardware/component.js';
import type { BootDevice, BootMode } from '../../domain/node/boot-device.js';
import type { DriverContext, ReadContext } from './context.js';
import type { Implementation } from './implementation.js';

/**
 * Failures: FerricError bmc-unreachable, bmc-authentication, bmc-failed, unsupported. For a method that an
 * implementation does not have, the caller reports an unsupported extension.
 */
export interface ManagementInterface extends Implementation {
  supportedBootDevices(context: ReadContext): readonly BootDevice[];
  getBootDevice(
    context: ReadContext,
  ): Promise<{ boot_device: BootDevice | null; persistent: boolean | null }>;
  /**
   * @param uri of `uefihttp`: the URL that the firmware fetches; absent: the one that DHCP gives
   * @throws InvalidError for an unsupported device
   */
  setBootDevice(context: DriverContext, device: BootDevice, persistent: boolean, uri?: string): Promise<void>;
  injectNmi?(context: DriverContext): Promise<void>;
  readonly firmwareBoot?: FirmwareBoot;
  readonly indicators?: Indicators;
  readonly media?: VirtualMedia;
}

export interface FirmwareBoot {
  getBootMode(context: ReadContext): Promise<BootMode>;
  setBootMode(context: DriverContext, mode: BootMode): Promise<void>;
  getSecureBoot(context: ReadContext): Promise<boolean>;
  setSecureBoot(context: DriverContext, on: boolean): Promise<void>;
}

/** Component to indicator to its abilities. */
export type IndicatorTable = Readonly<
  Record<string, Readonly<Record<string, { readonly: boolean; states: readonly IndicatorState[] }>>>
>;

export interface Indicators {
  list(context: ReadContext): Promise<IndicatorTable>;
  get(context: ReadContext, component: string, name: string): Promise<IndicatorState>;
  set(context: DriverContext, component: string, name: string, state: IndicatorState): Promise<void>;
}

/** A drive of virtual media, as Redfish and Ironic show it (ironic/drivers/modules/redfish/boot.py, _get_vmedia). */
export type MediaDrive = {
  /** Redfish's VirtualMedia.MediaTypes: CD, DVD, Floppy, USBStick. */
  media_types: string[];
  image: string | null;
  inserted: boolean;
};

export interface VirtualMedia {
  list(context: ReadContext): Promise<MediaDrive[]>;
  attach(
    context: DriverContext,
    medium: { device_type: MediaDevice; image_url: string; image_download_source: string },
  ): Promise<void>;
  /** @param devices null: all */
  detach(context: DriverContext, devices: readonly MediaDevice[] | null): Promise<void>;
}
