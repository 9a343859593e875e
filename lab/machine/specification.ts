import { createHash } from 'node:crypto';
import type { Hardware } from '../bmc/redfish/machine.js';

export type Firmware = 'bios' | 'uefi' | 'uefi-secure';
export type DiskBus = 'virtio' | 'sata' | 'nvme' | 'scsi';
export type NicModel = 'virtio' | 'e1000' | 'e1000e';

export interface DiskSpecification {
  bus: DiskBus;
  /** Bytes; the disk's file is sparse. */
  size: number;
  /** Default `<machine>-disk<n>`; at most 20 characters (36 for SCSI). */
  serial?: string;
  /** 64-bit WWN in hexadecimal, without 0x; SATA and SCSI only. */
  wwn?: string;
}

export interface NicSpecification {
  model: NicModel;
  /** Default derived from the machine's name. */
  mac?: string;
  /**
   * 'ipxe' (default): QEMU's iPXE ROM. 'none': no ROM, so UEFI uses its own PXE client, which loads its first stage by
   * TFTP (OVMF has a driver for virtio only); a BIOS machine then can't boot from this NIC.
   */
  rom?: 'ipxe' | 'none';
}

export interface MachineSpecification {
  /** Letters, digits and hyphens; unique in its lab. */
  name: string;
  firmware: Firmware;
  /** MiB. Default 1024. */
  memory?: number;
  /** Default 1: emulated processors share the host's. */
  cpus?: number;
  /** SMBIOS UUID. Default derived from the name. */
  uuid?: string;
  disks: readonly DiskSpecification[];
  nics: readonly NicSpecification[];
  /**
   * 'http': the firmware's PXE clients are off, so that UEFI HTTP boot is all that is left of network boot. NICs need
   * `rom: 'none'`, since a ROM brings a client of its own. Default: whatever the firmware has.
   */
  networkBoot?: 'any' | 'http';
  /** An optical drive and a port for a USB stick, both empty at first. Default: none. */
  media?: boolean;
}

/** UUID derived from the name, version 5 in form. */
export function uuidFor(name: string): string {
  const digest = createHash('sha1').update(`ferric-lab ${name}`).digest();
  digest[6] = (digest[6]! & 0x0f) | 0x50;
  digest[8] = (digest[8]! & 0x3f) | 0x80;
  const hex = digest.toString('hex');
  return [8, 12, 16, 20, 32].map((end, i) => hex.slice([0, 8, 12, 16, 20][i], end)).join('-');
}

/** MAC address: QEMU's prefix, then three octets of a digest of name and index. */
export function macFor(name: string, index: number): string {
  const digest = createHash('sha1').update(`ferric-lab ${name} nic ${index}`).digest('hex');
  return `52:54:00:${digest.slice(0, 2)}:${digest.slice(2, 4)}:${digest.slice(4, 6)}`;
}

/** Hardware as a BMC reports it. */
export function hardwareOf(machine: MachineSpecification, uuid: string, macs: readonly string[]): Hardware {
  return {
    uuid,
    firmware: machine.firmware === 'bios' ? 'bios' : 'uefi',
    memory: machine.memory ?? 1024,
    cpus: machine.cpus ?? 1,
    macs,
    disks: machine.disks.map(({ bus, size, serial }, i) => ({
      name: `disk${i}`,
      serial: serial ?? `${machine.name}-disk${i}`.slice(-20),
      size,
      bus,
    })),
  };
}
