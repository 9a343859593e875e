import type { Machine } from '../machine.js';

/** A machine behind a Redfish service; the service omits resources for parts that the machine lacks. */
export interface RedfishMachine extends Machine {
  readonly hardware?: Hardware;
  readonly drives?: MediaDrives;
  readonly secureBoot?: SecureBootSwitch;
}

export interface Hardware {
  uuid: string;
  firmware: 'bios' | 'uefi';
  /** Memory, MiB. */
  memory: number;
  cpus: number;
  macs: readonly string[];
  disks: readonly { name: string; serial: string; size: number; bus: string }[];
}

/** Media drives of the machine: an optical one, and a port for a USB stick. */
export interface MediaDrives {
  readonly kinds: readonly MediaKind[];
  /** @param path of a file that the machine reads only. @throws Error when the machine refuses it */
  insert(kind: MediaKind, path: string): Promise<void>;
  /** Idempotent. */
  eject(kind: MediaKind): Promise<void>;
}
export type MediaKind = 'cd' | 'usb';

/** Secure Boot setting; the firmware applies it at its start. */
export interface SecureBootSwitch {
  /** Whether the running firmware checks signatures. */
  readonly current: boolean;
  readonly wanted: boolean;
  want(on: boolean): void;
}
