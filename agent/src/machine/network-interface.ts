import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { basename, join } from 'node:path';

/** A network interface of a device, with the field names of upstream's inventory. */
export interface NetworkInterface {
  name: string;
  mac_address: string;
  ipv4_address: string | null;
  ipv6_address: string | null;
  has_carrier: boolean;
  lldp: null;
  vendor: string | null;
  product: string | null;
  client_id: null;
  biosdevname: null;
  speed_mbps: number | null;
  pci_address: string | null;
  driver: string | null;
}

export function listNetworkInterfaces(sys = '/sys'): NetworkInterface[] {
  const addresses = networkInterfaces();
  const found: NetworkInterface[] = [];
  for (const name of readdirSync(join(sys, 'class/net')).sort()) {
    const dir = join(sys, 'class/net', name);
    const device = link(join(dir, 'device'));
    const mac = text(join(dir, 'address'));
    if (device === null || mac === null || /^(00:)*00$/.test(mac)) continue;
    const own = addresses[name] ?? [];
    const speed = Number(text(join(dir, 'speed')) ?? Number.NaN);
    found.push({
      name,
      mac_address: mac,
      ipv4_address: own.find((a) => a.family === 'IPv4')?.address ?? null,
      ipv6_address: own.find((a) => a.family === 'IPv6')?.address ?? null,
      has_carrier: text(join(dir, 'carrier')) === '1',
      lldp: null,
      vendor: text(join(dir, 'device/vendor')),
      product: text(join(dir, 'device/device')),
      client_id: null,
      biosdevname: null,
      speed_mbps: speed > 0 ? speed : null,
      pci_address: /^[0-9a-f]{4}:/.test(device) ? device : null,
      driver: link(join(dir, 'device/driver')),
    });
  }
  return found;
}

function text(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim() || null;
  } catch {
    return null; // an interface that is down has no carrier or speed to read
  }
}

function link(path: string): string | null {
  try {
    return basename(readlinkSync(path));
  } catch {
    return null; // virtual interfaces have no device
  }
}
