import type { BootDevice } from '../../domain/node/boot-device.js';
import {
  BOOT_DEVICE,
  type BootFlags,
  bootDeviceOf,
  type BootDevice as Selector,
} from '../../protocol/ipmi/boot-flags.js';

/** The boot devices that IPMI can select, in the API's names. */
export const DEVICES = ['pxe', 'disk', 'cdrom', 'bios', 'safe'] as const satisfies readonly (BootDevice &
  Selector)[];
export type Device = (typeof DEVICES)[number];

/** The device that a selector means; several selectors may mean the same device. */
const MEANINGS: Partial<Record<Selector, BootDevice>> = {
  pxe: 'pxe',
  disk: 'disk',
  remoteMedia: 'disk', // what Supermicro takes for a disk in UEFI mode
  remoteDisk: 'disk',
  safe: 'safe',
  cdrom: 'cdrom',
  remoteCdrom: 'cdrom',
  bios: 'bios',
  floppy: 'floppy',
};

export function isDevice(value: unknown): value is Device {
  return DEVICES.some((device) => device === value);
}

/** Supermicro's selector of the disk in UEFI mode (https://www.supermicro.com/support/faqs/faq.cfm?faq=25559). */
const SUPERMICRO_UEFI_DISK = BOOT_DEVICE.remoteMedia;

/** Boot flags that select a device. @param vendor the node's properties.vendor */
export function flagsFor(
  device: Device,
  options: { persistent: boolean; efi: boolean; vendor: string },
): BootFlags {
  const { persistent, efi, vendor } = options;
  const odd = efi && device === 'disk' && vendor.toLowerCase() === 'supermicro';
  const selector = odd ? SUPERMICRO_UEFI_DISK : BOOT_DEVICE[device];
  return { valid: true, persistent, efi, selector, rest: new Uint8Array(3) };
}

/** The device that boot flags select; nulls if they select none. */
export function deviceOf(flags: BootFlags): { boot_device: BootDevice | null; persistent: boolean | null } {
  const selector = bootDeviceOf(flags.selector);
  const device = flags.valid && selector !== undefined ? MEANINGS[selector] : undefined;
  return device
    ? { boot_device: device, persistent: flags.persistent }
    : { boot_device: null, persistent: null };
}
