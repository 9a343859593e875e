import type { LeaseClient, LeaseRepository } from '../../persistence/lease/lease.repository.js';
import type { ThrottledLog } from '../../platform/throttled-log.js';
import { getOption } from '../../protocol/dhcp4/options.js';
import { printableAscii } from '../../protocol/printable.js';
import type { AddressProbe } from './address-probe.js';
import type { Question, Silence } from './question.js';
import type { DhcpSettings, Subnet } from './settings.js';

/** Addresses probed for one offer; the next one is offered without a probe. */
const MAX_PROBES = 3;

type Leases = Pick<LeaseRepository, 'offer' | 'claim' | 'release' | 'decline' | 'setAside'>;

/** The changes that a DHCP message makes to the leases. */
export class AddressAllocator {
  constructor(
    private readonly leases: Leases,
    private readonly probe: AddressProbe,
    private readonly log: Pick<ThrottledLog, 'warn'>,
  ) {}

  /**
   * The address to offer, or the requested address once the client holds a lease on it. A refused request changes
   * nothing.
   * @returns null when there is no address for the client
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
      // A fixed address has no alternative: the client itself detects the conflict.
      if (!offer.fresh || choice.fixed !== null || probes === MAX_PROBES) return offer.ip;
      const user = await this.probe.userOf(offer.ip, client.mac);
      if (user === null) return offer.ip;
      this.log.warn({ ip: offer.ip, user }, 'DHCP: an address of the pool is in use by somebody, set aside');
      await this.leases.setAside(client.mac, offer.ip);
    }
  }
}

type Choice = Parameters<Leases['offer']>[1];

/** Whether this configuration has any address for the client. */
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
    vendor_class: shown(getOption(packet.options, 'vendor_class')),
    hostname: shown(getOption(packet.options, 'host_name')),
  };
}

/** For text of clients in the database and in log lines. */
function shown(text: string | undefined): string | null {
  return text ? printableAscii(text, 255) : null;
}
