import { formatAddress, getOption, subOptions } from '../../protocol/dhcp4/options.js';
import { type Dhcp4Packet, NO_ADDRESS } from '../../protocol/dhcp4/packet.js';
import type { DhcpSettings, Subnet } from './settings.js';

/** Where a client is. */
export interface Location {
  /** Null: on the link of the served interface, for which no network is configured. */
  subnet: Subnet | null;
  /** Its message came through a router without a relay: replies go to its address, not to the local link. */
  routed: boolean;
}

export interface Nowhere {
  silence: string;
  /** The address of a relay that is not configured. */
  relay?: string;
}

/** RFC 3527: the client's link, where it is not that of giaddr. */
const LINK_SELECTION = 5;
/** RFC 5107: the relay's address to use as server identifier, so that renewals pass the relay too. */
const SERVER_OVERRIDE = 11;

/**
 * The configured network of a client; no other code decides this. By decreasing certainty: the link that its relay
 * names (RFC 3527), the network that it names itself (RFC 3011), and the network of its own address (RFC 2131 §4.3.2).
 * Then, among the networks of its relay or of the served interface: that of its fixed address, of the address that it
 * requests, of giaddr, and the first.
 */
export function locate(packet: Dhcp4Packet, mac: string, settings: DhcpSettings): Location | Nowhere {
  const { subnets } = settings;
  const relay = packet.giaddr === NO_ADDRESS ? null : packet.giaddr;
  const near = subnets.filter((row) =>
    relay === null ? row.contains(settings.serverAddress) : row.relays.includes(relay),
  );
  if (relay !== null && near.length === 0) return { silence: `relay ${relay} is not listed`, relay };
  const selected = selectedLink(packet, relay !== null);
  if (selected !== null) {
    const subnet = subnets.find((row) => row.covers(selected));
    return subnet ? { subnet, routed: false } : { silence: `no network holds the selected link ${selected}` };
  }
  const ciaddr = packet.ciaddr === NO_ADDRESS ? null : packet.ciaddr;
  if (relay === null && ciaddr !== null) {
    const subnet = subnets.find((row) => row.contains(ciaddr));
    if (subnet) return { subnet, routed: !near.includes(subnet) };
  }
  const requested = getOption(packet.options, 'requested_address');
  for (const address of [ciaddr, settings.hosts.get(mac)?.ip, requested, relay]) {
    const subnet = near.find((row) => address && row.contains(address));
    if (subnet) return { subnet, routed: false };
  }
  return { subnet: near[0] ?? null, routed: false };
}

/** The server identifier to use for this client. */
export function serverIdentifier(packet: Dhcp4Packet, settings: DhcpSettings): string {
  return (
    (packet.giaddr === NO_ADDRESS ? null : relayAddress(packet, SERVER_OVERRIDE)) ?? settings.serverAddress
  );
}

/** Link selection counts only in a relayed packet: without a relay, any client could have written it. */
function selectedLink(packet: Dhcp4Packet, relayed: boolean): string | null {
  const named = relayed ? relayAddress(packet, LINK_SELECTION) : null;
  return named ?? getOption(packet.options, 'subnet_selection') ?? null;
}

function relayAddress(packet: Dhcp4Packet, code: number): string | null {
  const agent = getOption(packet.options, 'relay_agent');
  const value = agent && subOptions(agent).get(code);
  return value?.length === 4 ? formatAddress(value, 0) : null;
}
