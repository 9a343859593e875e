import { concat, need } from './bytes.js';

/** Boot device selector of boot option parameter 5, IPMI 2.0 table 28-14. */
export const BOOT_DEVICE = {
  none: 0x0,
  pxe: 0x1,
  disk: 0x2,
  safe: 0x3,
  diagnostic: 0x4,
  cdrom: 0x5,
  bios: 0x6,
  remoteFloppy: 0x7,
  remoteCdrom: 0x8,
  remoteMedia: 0x9,
  remoteDisk: 0xb,
  floppy: 0xf,
} as const;
export type BootDevice = keyof typeof BOOT_DEVICE;

export const BOOT_PARAMETER = {
  setInProgress: 0,
  servicePartition: 1,
  servicePartitionScan: 2,
  flagValidClearing: 3,
  infoAcknowledge: 4,
  flags: 5,
  initiatorInfo: 6,
  initiatorMailbox: 7,
} as const;

export interface BootFlags {
  /** The firmware reads the rest only if set; a BMC clears it once the firmware has used one-time flags. */
  valid: boolean;
  /** Applies to every later boot, not just the next. */
  persistent: boolean;
  efi: boolean;
  /** Selector 0-15; `bootDeviceOf` names it. */
  selector: number;
  /** Bytes 3-5 (verbosity, console redirection, overrides), kept unchanged. */
  rest: Uint8Array;
}

export function bootDeviceOf(selector: number): BootDevice | undefined {
  return (Object.keys(BOOT_DEVICE) as BootDevice[]).find((name) => BOOT_DEVICE[name] === selector);
}

/**
 * The five bytes of parameter 5, without the parameter selector.
 * @throws MalformedPacket
 */
export function decodeBootFlags(bytes: Uint8Array): BootFlags {
  need(bytes, 0, 5, 'boot flags');
  return {
    valid: (bytes[0]! & 0x80) !== 0,
    persistent: (bytes[0]! & 0x40) !== 0,
    efi: (bytes[0]! & 0x20) !== 0,
    selector: (bytes[1]! >> 2) & 0x0f,
    rest: bytes.slice(2, 5),
  };
}

export function encodeBootFlags(flags: BootFlags): Uint8Array {
  const first = (flags.valid ? 0x80 : 0) | (flags.persistent ? 0x40 : 0) | (flags.efi ? 0x20 : 0);
  return concat([first, flags.selector << 2], flags.rest);
}
