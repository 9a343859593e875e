import { lookup } from 'node:dns/promises';
import { readFileSync, writeFileSync } from 'node:fs';
import { messageOf, systemReboot } from '../error.js';
import { assembleArrays, type RaidArray } from '../raid/arrays.js';
import { runProgram } from '../run-program.js';
import { type BlockDevice, listBlockDevices } from './block-device.js';
import { type BmcAddresses, readBmcAddresses } from './bmc-address.js';
import { listNetworkInterfaces, type NetworkInterface } from './network-interface.js';

/** The machine that the agent runs on. Only tests replace it. */
export interface Machine {
  listBlockDevices(): BlockDevice[];
  /** Starts the software RAID arrays on the disks. */
  assembleArrays(): Promise<RaidArray[]>;
  listNetworkInterfaces(): NetworkInterface[];
  bootMode(): 'bios' | 'uefi';
  /** Addresses of the BMC, as it reports them; null where there is none. */
  bmcAddresses(): Promise<BmcAddresses>;
  /** The source address of packets to this host. */
  sourceAddressTo(host: string): Promise<string | undefined>;
  /** Bytes of memory that programs may still allocate. */
  availableMemory(): number;
  /** Returns after the command; the machine goes off a moment later. */
  powerOff(): Promise<void>;
  reboot(): Promise<void>;
  /** Takes every network interface down permanently. */
  cutNetwork(): Promise<void>;
}

export class RealMachine implements Machine {
  listBlockDevices(): BlockDevice[] {
    return listBlockDevices();
  }

  assembleArrays(): Promise<RaidArray[]> {
    return assembleArrays(runProgram);
  }

  listNetworkInterfaces(): NetworkInterface[] {
    return listNetworkInterfaces();
  }

  bootMode(): 'bios' | 'uefi' {
    return existsText('/sys/firmware/efi/fw_platform_size') ? 'uefi' : 'bios';
  }

  bmcAddresses(): Promise<BmcAddresses> {
    return readBmcAddresses();
  }

  async sourceAddressTo(host: string): Promise<string | undefined> {
    const target = await lookup(host).catch(() => undefined); // no name service yet, or no such name
    if (target === undefined) return undefined;
    const { stdout } = await runProgram('ip', ['-json', 'route', 'get', target.address], {
      accept: [0, 1, 2],
    });
    if (stdout.trim() === '') return undefined;
    const [route] = JSON.parse(stdout) as { prefsrc?: string }[];
    return route?.prefsrc;
  }

  availableMemory(): number {
    const line = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'));
    return Number(line?.[1] ?? 0) * 1024;
  }

  async powerOff(): Promise<void> {
    await this.stop('poweroff', 'o');
  }

  async reboot(): Promise<void> {
    await this.stop('reboot', 'b');
  }

  async cutNetwork(): Promise<void> {
    for (const { name } of this.listNetworkInterfaces())
      await runProgram('ip', ['link', 'set', name, 'down']);
  }

  /** No init system runs: busybox calls the kernel, or else SysRq does. */
  private async stop(program: 'poweroff' | 'reboot', key: string): Promise<void> {
    await runProgram('sync', []);
    try {
      await runProgram(program, ['-f'], { timeout: 20_000 });
    } catch (error) {
      try {
        writeFileSync('/proc/sysrq-trigger', key);
      } catch (second) {
        throw systemReboot(`${messageOf(error)}; ${messageOf(second)}`);
      }
    }
  }
}

function existsText(path: string): boolean {
  try {
    return readFileSync(path, 'utf8') !== '';
  } catch {
    return false; // no EFI
  }
}
