import { getOption, userClasses } from '../../protocol/dhcp4/options.js';
import { type Dhcp4Packet, formatMac, MESSAGE_TYPE, NO_ADDRESS } from '../../protocol/dhcp4/packet.js';
import type { DhcpSettings, Subnet } from './settings.js';

/** Where a datagram came from and on which of our ports it came in. */
export interface Received {
  address: string;
  port: number;
  localPort: 67 | 4011;
}

/** What a client wants of us, once it is clear that it speaks to us. */
export interface Question {
  packet: Dhcp4Packet;
  received: Received;
  mac: string;
  type: keyof typeof MESSAGE_TYPE;
  /** The network it is on; null where none is configured. */
  subnet: Subnet | null;
  /** The address it asks for or has. */
  wanted: string | null;
  /** Whether answering takes an address of ours. */
  needsAddress: boolean;
  arch: Arch;
  /** Its firmware already runs iPXE. */
  ipxe: boolean;
  /** By its vendor class: network boot by PXE, by UEFI HTTP boot, or no network boot at all. */
  boots: 'pxe' | 'http' | null;
}

export type Arch = 'bios' | 'uefi_ia32' | 'uefi_x64' | 'uefi_arm64' | null;

export interface Silence {
  silence: string;
  /** Something is to be remembered all the same. */
  effect?: { kind: 'decline' | 'release'; mac: string; ip: string };
}

/** IANA "Processor Architecture Types" (RFC 4578 §2.1, RFC 5970); those with HTTP ask for a URL. */
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

/** Reads a packet as a question to us, or says why it gets no answer. Pure: nothing is looked up. */
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

  const relayed = packet.giaddr !== NO_ADDRESS;
  const subnet =
    settings.subnets.find((row) =>
      relayed ? row.relays.includes(packet.giaddr) : row.contains(settings.serverAddress),
    ) ?? null;
  if (relayed && !subnet) return { silence: `relay ${packet.giaddr} is not listed` };

  const serverId = getOption(packet.options, 'server_id');
  if (serverId !== undefined && serverId !== settings.serverAddress && received.localPort === 67) {
    return { silence: `meant for the server ${serverId}` };
  }
  const requested = getOption(packet.options, 'requested_address') ?? null;
  const ciaddr = packet.ciaddr === NO_ADDRESS ? null : packet.ciaddr;
  const asked: Question = {
    packet,
    received,
    mac,
    type,
    subnet,
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
      return settings.mode === 'server' && serverId !== undefined && requested !== null
        ? { silence: 'declined', effect: { kind: 'decline', mac, ip: requested } }
        : { silence: 'decline without server or address' };
    case 'release':
      return settings.mode === 'server' && serverId !== undefined && ciaddr !== null
        ? { silence: 'released', effect: { kind: 'release', mac, ip: ciaddr } }
        : { silence: 'release without server or address' };
    case 'offer':
    case 'ack':
    case 'nak':
      return { silence: `a server's message: ${type}` };
  }
}

function bootClient(packet: Dhcp4Packet): Pick<Question, 'arch' | 'ipxe' | 'boots'> {
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
  return { ipxe, boots, arch: known ?? (codes.length === 0 && boots === 'pxe' ? 'bios' : null) };
}
