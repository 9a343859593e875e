import { readdirSync, readFileSync } from 'node:fs';
import { arch, cpus, hostname, totalmem } from 'node:os';
import { join } from 'node:path';
import type { UncheckedObject } from '../../../src/protocol/agent/malformed-body.js';
import type { BlockDevice } from './block-device.js';
import type { Machine } from './machine.js';
import { memoryMebibytes } from './memory.js';

/** The result of poll.get_hardware_info, in upstream's form (hardware.py, list_hardware_info). */
export async function inventory(
  machine: Machine,
  bootMac: string | undefined,
  sys = '/sys',
): Promise<UncheckedObject> {
  const bmc = await machine.bmcAddresses();
  return {
    interfaces: machine.listNetworkInterfaces(),
    cpu: cpu(),
    disks: machine.listBlockDevices().map((disk) => {
      const { readOnly: _ro, partitions: _parts, ...shown } = plainDisk(disk);
      return shown;
    }),
    memory: { total: totalmem(), physical_mb: physicalMegabytes(sys) ?? Math.ceil(totalmem() / 2 ** 20) },
    bmc_address: bmc.ipv4,
    bmc_v6address: bmc.ipv6,
    system_vendor: {
      product_name: dmi(sys, 'product_name'),
      serial_number: dmi(sys, 'product_serial'),
      manufacturer: dmi(sys, 'sys_vendor'),
      firmware: {
        vendor: dmi(sys, 'bios_vendor'),
        version: dmi(sys, 'bios_version'),
        build_date: dmi(sys, 'bios_date'),
      },
    },
    boot: { current_boot_mode: machine.bootMode(), pxe_interface: bootMac ?? null },
    hostname: hostname(),
  };
}

/** One value of each list, as upstream shows them. */
export function plainDisk(disk: BlockDevice) {
  const first = (values: readonly string[]) => values[0] ?? null;
  return { ...disk, serial: first(disk.serial), wwn: first(disk.wwn), by_path: first(disk.by_path) };
}

function cpu(): UncheckedObject {
  const text = readFileSync('/proc/cpuinfo', 'utf8');
  const field = (name: string) => new RegExp(`^${name}\\s*:\\s*(.*)$`, 'm').exec(text)?.[1];
  const sockets = new Set([...text.matchAll(/^physical id\s*:\s*(\d+)$/gm)].map((match) => match[1]));
  return {
    model_name: field('model name') ?? '',
    frequency: field('cpu MHz') ?? '',
    count: cpus().length,
    architecture: { x64: 'x86_64', arm64: 'aarch64' }[arch() as string] ?? arch(),
    flags: field('flags')?.split(' ') ?? [],
    socket_count: Math.max(1, sockets.size),
  };
}

/** Installed memory, by SMBIOS: the total that the kernel sees is smaller. */
function physicalMegabytes(sys: string): number | undefined {
  const dir = join(sys, 'firmware/dmi/entries');
  let names: string[];
  try {
    names = readdirSync(dir).filter((name) => name.startsWith('17-'));
  } catch {
    return undefined; // no SMBIOS
  }
  return memoryMebibytes(names.map((name) => readFileSync(join(dir, name, 'raw'))));
}

function dmi(sys: string, name: string): string {
  try {
    return readFileSync(join(sys, 'class/dmi/id', name), 'utf8').trim();
  } catch {
    return ''; // as in upstream when firmware gives no value
  }
}
