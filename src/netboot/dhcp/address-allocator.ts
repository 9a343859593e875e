import type { LeaseClient, LeaseRepository } from '../../persistence/lease/lease.repository.js';
import type { ThrottledLog } from '../../platform/throttled-log.js';
import { getOption } from '../../protocol/dhcp4/options.js';
import type { AddressProbe } from './address-probe.js';
import type { Question, Silence } from './question.js';
import type { DhcpSettings, Subnet } from './settings.js';

/** Addresses of one offer that may turn out to be in use before one is offered unseen. */
const MAX_PROBES = 3;

type Leases = Pick<LeaseRepository, 'offer' | 'claim' | 'release' | 'decline' | 'setAside'>;

/** What a question does to the leases. */
export class AddressAllocator {
  constructor(
    private readonly leases: Leases,
    private readonly probe: AddressProbe,
    private readonly log: Pick<ThrottledLog, 'warn'>,
  ) {}

  /**
   * The address that the client is offered, or the one it asked for where it has it from now on. A request that is refused
   * changes nothing.
   * @returns null where there is none for it
   */
  async addressFor(
    asked: Question,
    port: { uuid: string; node_uuid: string },
    settings: DhcpSettings,
  ): Promise<string | null> {
    const { subnet, wanted } = asked;
    if (!subnet) return null;
    const client = leaseClient(asked, port);
    const choice = addressChoice(asked.mac, subnet, settings);
    if (asked.type === 'discover') return this.#offer(client, choice, wanted);
    if (wanted === null) return null;
    return (await this.leases.claim(client, wanted, choice, settings.leaseTime)) ? wanted : null;
  }

  async remember({ kind, mac, ip }: NonNullable<Silence['effect']>): Promise<void> {
    if (kind === 'release') {
      if (!(await this.leases.release(mac, ip))) {
        this.log.warn({ mac, ip }, 'DHCP: a release of an address that is in use, or another’s: ignored');
      }
      return;
    }
    if (await this.leases.decline(mac, ip)) {
      this.log.warn({ mac, ip }, 'DHCP: the client found its address in use by another');
    } else {
      this.log.warn({ mac, ip }, 'DHCP: a decline of another’s address, or one too many: ignored');
    }
  }

  async #offer(client: LeaseClient, choice: Choice, wanted: string | null): Promise<string | null> {
    for (let probes = 0; ; probes++) {
      const offer = await this.leases.offer(client, choice, wanted);
      if (offer === null) {
        this.log.warn(
          { mac: client.mac, network: choice.network },
          'DHCP: no address is free for a known port',
        );
        return null;
      }
      // A fixed address has no other in its stead: the client itself finds out.
      if (!offer.fresh || choice.fixed !== null || probes === MAX_PROBES) return offer.ip;
      const user = await this.probe.userOf(offer.ip, client.mac);
      if (user === null) return offer.ip;
      this.log.warn({ ip: offer.ip, user }, 'DHCP: an address of the pool is in use by somebody, set aside');
      await this.leases.setAside(client.mac, offer.ip);
    }
  }
}

type Choice = Parameters<Leases['offer']>[1];

/** Whether there is any address here that this client could have. */
export function hasAddresses(mac: string, subnet: Subnet, settings: DhcpSettings): boolean {
  const { fixed, pool } = addressChoice(mac, subnet, settings);
  return fixed !== null || pool !== null;
}

function addressChoice(mac: string, subnet: Subnet, settings: DhcpSettings): Choice {
  const fixed = settings.hosts.get(mac)?.ip;
  const { range_start: start, range_end: end } = subnet;
  return {
    network: subnet.cidr,
    fixed: fixed !== undefined && subnet.contains(fixed) ? fixed : null,
    pool: start !== null && end !== null ? { start, end } : null,
    excluded: reserved(subnet, settings),
  };
}

function reserved(subnet: Subnet, settings: DhcpSettings): string[] {
  const taken = [settings.serverAddress, ...subnet.routers, ...subnet.dns_servers, ...subnet.relays];
  return [...taken, ...[...settings.hosts.values()].map((host) => host.ip)].filter(subnet.contains);
}

function leaseClient(
  { mac, arch, packet }: Question,
  port: { uuid: string; node_uuid: string },
): LeaseClient {
  return {
    mac,
    node_uuid: port.node_uuid,
    port_uuid: port.uuid,
    arch,
    vendor_class: printable(getOption(packet.options, 'vendor_class')),
    hostname: printable(getOption(packet.options, 'host_name')),
  };
}

/** Clients' texts go into the database and log lines: visible ASCII only. */
function printable(text: string | undefined): string | null {
  return text ? text.replace(/[^\x20-\x7e]/g, '?').slice(0, 255) : null;
}
