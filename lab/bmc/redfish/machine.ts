import type { Machine } from '../machine.js';

/** A machine behind a Redfish service: what it lacks, the service does not have either. */
export interface RedfishMachine extends Machine {
  readonly hardware?: Hardware;
  readonly drives?: MediaDrives;
  readonly secureBoot?: SecureBootSwitch;
}

export interface Hardware {
  uuid: string;
  firmware: 'bios' | 'uefi';
  /** MiB. */
  memory: number;
  cpus: number;
  macs: readonly string[];
  disks: readonly { name: string; serial: string; size: number; bus: string }[];
}

/** Drives for media, as the machine sees them: an optical one, and a plug for a USB stick. */
export interface MediaDrives {
  readonly kinds: readonly MediaKind[];
  /** @param path of a file, read-only to the machine. @throws Error where the machine refuses it */
  insert(kind: MediaKind, path: string): Promise<void>;
  /** Idempotent. */
  eject(kind: MediaKind): Promise<void>;
}
export type MediaKind = 'cd' | 'usb';

/** Firmware takes it over when it starts. */
export interface SecureBootSwitch {
  /** Whether the firmware that runs checks signatures; null: it does not run, or did not say. */
  readonly current: boolean;
  readonly wanted: boolean;
  want(on: boolean): void;
}
