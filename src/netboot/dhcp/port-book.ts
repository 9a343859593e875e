import type { PortRepository } from '../../persistence/port/port.repository.js';
import type { KnownPorts } from './known-macs.js';

/** A limit above any inventory's size: the list is read whole. */
const ALL = 10_000_000;

/** DHCP's queries of the inventory's ports. */
export function portBook(ports: Pick<PortRepository, 'find' | 'list'>): KnownPorts {
  return {
    byMac: (mac) => ports.find(mac),
    addresses: async () => {
      const rows = await ports.list({}, { limit: ALL }, ['address']);
      return rows.map((row) => row.address);
    },
  };
}
