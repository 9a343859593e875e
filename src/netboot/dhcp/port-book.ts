import type { PortRepository } from '../../persistence/port/port.repository.js';
import type { KnownPorts } from './known-macs.js';

/** DHCP's queries of the inventory's ports. */
export function portBook(ports: Pick<PortRepository, 'find' | 'pages'>): KnownPorts {
  return {
    byMac: (mac) => ports.find(mac),
    addresses: async () => {
      const all: string[] = [];
      for await (const page of ports.pages({}, ['address']))
        for (const { address } of page) all.push(address);
      return all;
    },
  };
}
