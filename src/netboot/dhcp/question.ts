import { getOption, subOptions, userClasses } from '../../protocol/dhcp4/options.js';
import { type Dhcp4Packet, formatMac, MESSAGE_TYPE, NO_ADDRESS } from '../../protocol/dhcp4/packet.js';
import { locate, serverIdentifier } from './locate.js';
import type { DhcpSettings, Subnet } from './settings.js';

/** Source of a datagram, and the local port that received it. */
export interface Received {
  address: string;
  port: number;
  localPort: 67 | 4011;
}

/** A client's message, decoded and addressed to this server. */
export interface Question {
  packet: Dhcp4Packet;
  received: Received;
  mac: string;
  type: keyof typeof MESSAGE_TYPE;
  /** The client's network; null where none is configured. */
  subnet: Subnet | null;
  /** Replies go to its address behind a router, not to the local link. */
  routed: boolean;
  /** The server identifier to use for it. */
  serverId: string;
  /** The address that it requests or has. */
  wanted: string | null;
  /** Whether the answer needs an address of the pool or a fixed one. */
  needsAddress: boolean;
  arch: Arch;
  /** Its firmware already runs iPXE. */
  ipxe: boolean;
  /** It is an iPXE whose feature list lacks HTTP. */
  withoutHttp: boolean;
  /** By its vendor class: network boot by PXE, by UEFI HTTP boot, or no network boot at all. */
  boots: 'pxe' | 'http' | null;
}

export type Arch = 'bios' | 'uefi_ia32' | 'uefi_x64' | 'uefi_arm64' | null;

export interface Silence {
  silence: string;
  /** A relay that forwards to us and is not configured. */
  relay?: string;
  /** The server that the client chose instead of this one. */
  server?: string;
  /** A change of the leases that the message still causes. */
  effect?: { kind: 'decline' | 'release'; mac: string; ip: string };
}

/** IANA "Processor Architecture Types" (RFC 4578 §2.1, RFC 5970); the HTTP types request a URL. */
const ARCH: Readonly<Record<number, Arch>> = {
  0: 'bios',
  6: 'uefi_ia32',
  7: 'uefi_x64',
  9: 'uefi_x64',
  11: 'uefi_arm64',
  15: 'uefi_ia32',
  16: 'uefi_x64',
  17: 'uefi_x64',
  19: 'uefi_arm64',
};

const TYPE_NAME = new Map(
  (Object.keys(MESSAGE_TYPE) as (keyof typeof MESSAGE_TYPE)[]).map((name) => [MESSAGE_TYPE[name], name]),
);
const ETHERNET = 1;

/** Decodes a packet as a question to this server, or gives the reason for silence. Pure: no queries. */
export function question(
  packet: Dhcp4Packet,
  received: Received,
  settings: DhcpSettings,
): Question | Silence {
  if (packet.op !== 'request') return { silence: 'not a request' };
  if (packet.htype !== ETHERNET || packet.chaddr.length !== 6) return { silence: 'not an Ethernet client' };
  const mac = formatMac(packet.chaddr);
  const code = getOption(packet.options, 'message_type');
  const type = code === undefined ? undefined : TYPE_NAME.get(code as never);
  if (type === undefined) return { silence: code === undefined ? 'plain BOOTP' : `message type ${code}` };

  const where = locate(packet, mac, settings);
  if ('silence' in where) return where;
  const serverId = getOption(packet.options, 'server_id');
  const ours = serverIdentifier(packet, settings);
  if (serverId !== undefined && serverId !== ours && received.localPort === 67) {
    return { silence: `meant for the server ${serverId}`, server: serverId };
  }
  const requested = getOption(packet.options, 'requested_address') ?? null;
  const ciaddr = packet.ciaddr === NO_ADDRESS ? null : packet.ciaddr;
  const asked: Question = {
    packet,
    received,
    mac,
    type,
    ...where,
    serverId: ours,
    wanted: ciaddr ?? requested,
    needsAddress: settings.mode === 'server' && received.localPort === 67,
    ...bootClient(packet),
  };

  switch (type) {
    case 'discover':
      return asked;
    case 'request':
      if (asked.needsAddress && asked.wanted === null) return { silence: 'request without an address' };
      return asked;
    case 'inform':
      if (ciaddr === null) return { silence: 'inform without an address' };
      return { ...asked, needsAddress: false };
    case 'decline':
    case 'release':
      return given(asked, type, serverId !== undefined && settings.mode === 'server');
    case 'offer':
    case 'ack':
    case 'nak':
      return { silence: `a server's message: ${type}` };
  }
}

/**
 * DHCPDECLINE and DHCPRELEASE, which expect no answer. Both can be forged: they count only from within the network of
 * the address, a release only from the address itself (RFC 2131 §4.4.6: unicast, without a relay).
 */
function given(asked: Question, kind: 'decline' | 'release', ours: boolean): Silence {
  const { packet, received, mac, subnet } = asked;
  const requested = getOption(packet.options, 'requested_address');
  const ip = kind === 'release' ? packet.ciaddr : (requested ?? NO_ADDRESS);
  if (!ours || ip === NO_ADDRESS) return { silence: `${kind} without server or address` };
  if (!subnet?.contains(ip)) return { silence: `${kind} of an address of another network` };
  if (kind === 'release' && (received.address !== ip || packet.giaddr !== NO_ADDRESS)) {
    return { silence: `release of ${ip} from ${received.address}` };
  }
  if (kind === 'decline' && packet.ciaddr !== NO_ADDRESS)
    return { silence: 'decline from an address in use' };
  return { silence: `${kind}d`, effect: { kind, mac, ip } };
}

/** iPXE's features in option 175 (src/include/ipxe/features.h): codes 16 to 79, each with a version. */
const FEATURES = { first: 16, last: 79, http: 19 };

function lacksHttp(encapsulated: Uint8Array | undefined): boolean {
  const features = encapsulated
    ? [...subOptions(encapsulated).keys()].filter((code) => code >= FEATURES.first && code <= FEATURES.last)
    : [];
  return features.length > 0 && !features.includes(FEATURES.http);
}

function bootClient(packet: Dhcp4Packet): Pick<Question, 'arch' | 'ipxe' | 'withoutHttp' | 'boots'> {
  const vendor = getOption(packet.options, 'vendor_class') ?? '';
  const user = getOption(packet.options, 'user_class');
  const ipxe = packet.options.has(175) || (user !== undefined && userClasses(user).includes('iPXE'));
  // Old PXE leaves option 93 out but repeats it in the vendor class: PXEClient:Arch:00007:UNDI:003016.
  const named = /:Arch:(\d{5})/.exec(vendor)?.[1];
  const codes = getOption(packet.options, 'client_arch') ?? (named === undefined ? [] : [Number(named)]);
  const boots = vendor.startsWith('HTTPClient')
    ? 'http'
    : vendor.startsWith('PXEClient') || ipxe
      ? 'pxe'
      : null;
  const known = codes.map((code) => ARCH[code] ?? null).find((arch) => arch !== null);
  // Firmware older than option 93 is BIOS (PXE 2.1 is from 1999).
  const withoutHttp = ipxe && lacksHttp(getOption(packet.options, 'ipxe'));
  return { ipxe, withoutHttp, boots, arch: known ?? (codes.length === 0 && boots === 'pxe' ? 'bios' : null) };
}
