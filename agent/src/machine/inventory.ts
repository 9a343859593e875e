import { readdirSync, readFileSync } from 'node:fs';
import { arch, cpus, hostname, totalmem } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '../../../src/protocol/agent/malformed-body.js';
import type { Machine } from './machine.js';

/** What poll.get_hardware_info shows, in upstream's shape (hardware.py, list_hardware_info). */
export async function inventory(
  machine: Machine,
  bootMac: string | undefined,
  sys = '/sys',
): Promise<JsonObject> {
  const bmc = await machine.bmcAddresses();
  return {
    interfaces: machine.listNetworkInterfaces(),
    cpu: cpu(),
    disks: machine.listBlockDevices().map(({ readOnly: _ro, partitions: _parts, ...disk }) => ({
      ...disk,
      serial: disk.serial[0] ?? null,
      wwn: disk.wwn[0] ?? null,
    })),
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

function cpu(): JsonObject {
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

/** Sum of the memory modules (SMBIOS type 17, DSP0134 §7.18); the total that the kernel sees is less. */
function physicalMegabytes(sys: string): number | undefined {
  let sum = 0;
  const dir = join(sys, 'firmware/dmi/entries');
  let names: string[];
  try {
    names = readdirSync(dir).filter((name) => name.startsWith('17-'));
  } catch {
    return undefined; // no SMBIOS
  }
  for (const name of names) {
    const raw = readFileSync(join(dir, name, 'raw'));
    if (raw.length < 14) continue;
    const size = raw.readUInt16LE(12);
    if (size === 0 || size === 0xffff) continue;
    if (size === 0x7fff && raw.length >= 32) sum += raw.readUInt32LE(28) & 0x7fffffff;
    else sum += size & 0x8000 ? (size & 0x7fff) / 1024 : size;
  }
  return sum > 0 ? sum : undefined;
}

function dmi(sys: string, name: string): string {
  try {
    return readFileSync(join(sys, 'class/dmi/id', name), 'utf8').trim();
  } catch {
    return ''; // as upstream where firmware does not say
  }
}
