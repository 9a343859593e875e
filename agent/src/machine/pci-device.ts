import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** In the form of upstream's collector pci-devices: numbers in hexadecimal without 0x. */
export interface PciDevice {
  vendor_id: string;
  product_id: string;
  class: string;
  revision: string | null;
  bus: string;
  numa_node_id: string | null;
}

export function listPciDevices(sys = '/sys'): PciDevice[] {
  const dir = join(sys, 'bus/pci/devices');
  return readdirSync(dir)
    .sort()
    .flatMap((bus): PciDevice[] => {
      const hex = (name: string) => text(join(dir, bus, name))?.replace(/^0x/, '') ?? null;
      const [vendor_id, product_id, kind] = [hex('vendor'), hex('device'), hex('class')];
      if (vendor_id === null || product_id === null || kind === null) return [];
      const numa_node_id = text(join(dir, bus, 'numa_node'));
      return [{ vendor_id, product_id, class: kind, revision: hex('revision'), bus, numa_node_id }];
    });
}

function text(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim() || null;
  } catch {
    return null; // the device has no such file
  }
}
