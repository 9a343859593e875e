import { truncateSync, writeFileSync } from 'node:fs';
import type { BlockDevice } from '../../../agent/src/machine/block-device.js';
import type { Machine } from '../../../agent/src/machine/machine.js';
import type { NetworkInterface } from '../../../agent/src/machine/network-interface.js';

export const MAC = '52:54:00:12:34:56';

/** A machine whose disks are sparse files, and which has no power control. */
export class FileMachine implements Machine {
  readonly events: string[] = [];
  memory = 512 * 2 ** 20;
  disks: BlockDevice[] = [];

  /** @param size bytes */
  addDisk(path: string, size: number, facts: Partial<BlockDevice> = {}): BlockDevice {
    writeFileSync(path, '');
    truncateSync(path, size);
    const disk: BlockDevice = {
      name: path,
      size,
      rotational: false,
      model: 'Sparse file',
      vendor: null,
      serial: [],
      wwn: [],
      wwn_with_extension: null,
      wwn_vendor_extension: null,
      hctl: null,
      by_path: [],
      tran: null,
      logical_sectors: 512,
      physical_sectors: 512,
      readOnly: false,
      partitions: [],
      ...facts,
    };
    this.disks.push(disk);
    return disk;
  }

  listBlockDevices(): BlockDevice[] {
    return this.disks;
  }

  async assembleArrays(): Promise<[]> {
    return [];
  }

  listNetworkInterfaces(): NetworkInterface[] {
    return [
      {
        name: 'eth0',
        mac_address: MAC,
        ipv4_address: '127.0.0.1',
        ipv6_address: null,
        has_carrier: true,
        lldp: null,
        vendor: null,
        product: null,
        client_id: null,
        biosdevname: null,
        speed_mbps: null,
        pci_address: null,
        driver: null,
      },
    ];
  }

  async bmcAddresses() {
    return { ipv4: '10.9.8.7', ipv6: null };
  }

  bootMode(): 'bios' | 'uefi' {
    return 'bios';
  }

  async sourceAddressTo(): Promise<string> {
    return '127.0.0.1';
  }

  availableMemory(): number {
    return this.memory;
  }

  async powerOff(): Promise<void> {
    this.events.push('power off');
  }

  async reboot(): Promise<void> {
    this.events.push('reboot');
  }

  async cutNetwork(): Promise<void> {
    this.events.push('network cut');
  }
}
