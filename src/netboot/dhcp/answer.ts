import { encodeSubOptions, getOption, type OptionMap, setOption } from '../../protocol/dhcp4/options.js';
import {
  BROADCAST_FLAG,
  type Dhcp4Packet,
  MESSAGE_TYPE,
  type MessageType,
  NO_ADDRESS,
} from '../../protocol/dhcp4/packet.js';
import { hasAddresses } from './address-allocator.js';
import type { Question, Silence } from './question.js';
import type { DhcpSettings } from './settings.js';

/** What the database holds about the client. */
export interface Memory {
  /** The port with this MAC; null: none, so no answer. */
  port: { node_uuid: string } | null;
  /** What the node of the port is to boot; null: from its disk. */
  plan: { kind: 'ipxe' | 'pxe' } | null;
  /** The address allocated to the client; null: none, or none needed. */
  address: string | null;
  /** Its firmware requested HTTP boot a moment ago. */
  cameByHttp?: boolean;
}

export interface Reply {
  reply: Dhcp4Packet;
  to: { address: string; port: number };
  /** The address that the client now has a lease on. */
  binds: string | null;
}

const SERVER_PORT = 67;
const CLIENT_PORT = 68;
const EVERYBODY = '255.255.255.255';
/** PXE 2.1 table 2-1, PXE_DISCOVERY_CONTROL bit 3: use the boot file of this packet, without server discovery. */
const NO_DISCOVERY = encodeSubOptions([[6, Uint8Array.of(8)]]);
/** iPXE's `no-pxedhcp` (option 176 in 175): do not wait for a proxyDHCP offer. */
const NO_PROXY_WAIT = encodeSubOptions([[176, Uint8Array.of(1)]]).subarray(0, 3);

/** Builds the answer to a message. Pure, so that each rule can be tested without a socket or a database. */
export function answer(asked: Question, memory: Memory, settings: DhcpSettings): Reply | Silence {
  if (!memory.port) return { silence: 'unknown MAC' };
  if (settings.mode === 'proxy' || asked.received.localPort === 4011) {
    return proxyAnswer(asked, memory, settings);
  }
  if (asked.type === 'inform') return informAnswer(asked, memory, settings);
  const { address } = memory;
  if (!asked.subnet) return { silence: 'no network is configured for it' };
  if (asked.type === 'request' && asked.wanted !== address) {
    // A server with no address for this client stays silent: another server may have given the address.
    return address === null && !hasAddresses(asked.mac, asked.subnet, settings)
      ? { silence: 'no address is configured for it' }
      : refusal(asked);
  }
  if (address === null) return { silence: 'no address is free for it' };
  const reply = begin(asked, asked.type === 'discover' ? 'offer' : 'ack');
  reply.yiaddr = address;
  const { options } = reply;
  setOption(options, 'lease_time', settings.leaseTime);
  setOption(options, 'renewal_time', Math.floor(settings.leaseTime / 2));
  setOption(options, 'rebinding_time', Math.floor((settings.leaseTime * 7) / 8));
  networkOptions(options, asked, settings);
  bootOptions(reply, asked, memory, settings);
  return finish(reply, asked, asked.type === 'request' ? address : null);
}

/** RFC 2131 §4.3.5: all options, but no address. */
function informAnswer(asked: Question, memory: Memory, settings: DhcpSettings): Reply | Silence {
  if (!asked.subnet?.contains(asked.packet.ciaddr)) return { silence: 'inform from outside of our networks' };
  const reply = begin(asked, 'ack');
  networkOptions(reply.options, asked, settings);
  bootOptions(reply, asked, memory, settings);
  return finish(reply, asked, null);
}

/** PXE 2.1 §2.2: an offer without an address beside the site's DHCP server, and the boot server on port 4011. */
function proxyAnswer(asked: Question, memory: Memory, settings: DhcpSettings): Reply | Silence {
  if (asked.boots === null) return { silence: 'does not boot from the network' };
  if (asked.received.localPort === SERVER_PORT && asked.type !== 'discover') {
    return { silence: 'the site’s own DHCP server answers this' };
  }
  const reply = begin(asked, asked.type === 'discover' ? 'offer' : 'ack');
  if (!bootOptions(reply, asked, memory, settings)) return { silence: 'nothing to boot' };
  if (asked.boots === 'pxe') {
    setOption(reply.options, 'vendor_class', 'PXEClient');
    setOption(reply.options, 'vendor_options', NO_DISCOVERY);
  }
  const proxied = finish(reply, asked, null);
  return asked.received.localPort === SERVER_PORT
    ? proxied
    : { ...proxied, to: { address: asked.received.address, port: asked.received.port } };
}

/**
 * DHCPNAK, RFC 2131 §4.3.2: the address is not, or no longer, this client's. A client behind a router without a relay
 * receives no broadcast of ours: its NAK goes to the address itself.
 */
function refusal(asked: Question): Reply {
  const reply = begin(asked, 'nak');
  setOption(reply.options, 'message', 'not the address that is set aside for you');
  reply.flags |= BROADCAST_FLAG; // the relay must not assume that the client has its address
  reply.ciaddr = NO_ADDRESS;
  const { reply: packet, to } = finish(reply, asked, null);
  const broadcast = asked.packet.giaddr === NO_ADDRESS && !asked.routed;
  return { reply: packet, to: broadcast ? { address: EVERYBODY, port: CLIENT_PORT } : to, binds: null };
}

function begin(asked: Question, type: 'offer' | 'ack' | 'nak'): Dhcp4Packet {
  const { packet } = asked;
  const options: OptionMap = new Map();
  setOption(options, 'message_type', MESSAGE_TYPE[type] satisfies MessageType);
  setOption(options, 'server_id', asked.serverId);
  const clientId = getOption(packet.options, 'client_id');
  if (clientId !== undefined) setOption(options, 'client_id', clientId); // RFC 6842
  return {
    op: 'reply',
    htype: packet.htype,
    hops: 0,
    xid: packet.xid,
    secs: 0,
    flags: packet.flags,
    ciaddr: type === 'ack' ? packet.ciaddr : NO_ADDRESS,
    yiaddr: NO_ADDRESS,
    siaddr: NO_ADDRESS,
    giaddr: packet.giaddr,
    chaddr: packet.chaddr,
    sname: '',
    file: '',
    options,
  };
}

function networkOptions(options: OptionMap, asked: Question, settings: DhcpSettings): void {
  const { subnet } = asked;
  if (!subnet) return;
  setOption(options, 'subnet_mask', subnet.netmask);
  setOption(options, 'broadcast_address', subnet.broadcast);
  if (subnet.routers.length > 0) setOption(options, 'routers', subnet.routers);
  if (subnet.dns_servers.length > 0) setOption(options, 'dns_servers', subnet.dns_servers);
  if (subnet.ntp_servers.length > 0) setOption(options, 'ntp_servers', subnet.ntp_servers);
  if (subnet.domain_name !== null) setOption(options, 'domain_name', subnet.domain_name);
  const hostname = settings.hosts.get(asked.mac)?.hostname;
  if (hostname) setOption(options, 'host_name', hostname);
}

/** Adds the boot file and its server. @returns whether there is a boot file */
function bootOptions(reply: Dhcp4Packet, asked: Question, memory: Memory, settings: DhcpSettings): boolean {
  const file = bootFile(asked, memory, settings);
  const { options } = reply;
  if (asked.boots === 'pxe') {
    const uuid = getOption(asked.packet.options, 'client_uuid');
    if (uuid !== undefined) setOption(options, 'client_uuid', uuid); // RFC 4578 §2.3: returned unchanged
  }
  if (file === null) return false;
  reply.siaddr = settings.tftpAddress;
  reply.file = file;
  if (asked.boots === 'http') {
    setOption(options, 'vendor_class', 'HTTPClient'); // UEFI 2.10 §24.7.2: required in an offer for HTTP boot
    setOption(options, 'boot_file_name', file);
    return true;
  }
  // Some PXE ROMs read on past the end of the option: a NUL there stops them.
  const end = asked.ipxe ? '' : '\0';
  setOption(options, 'tftp_server_name', settings.tftpAddress + end);
  setOption(options, 'boot_file_name', file + end);
  setOption(options, 'tftp_server_addresses', [settings.tftpAddress]);
  if (asked.ipxe && settings.mode === 'server') setOption(options, 'ipxe', NO_PROXY_WAIT);
  return true;
}

function bootFile(asked: Question, memory: Memory, settings: DhcpSettings): string | null {
  if (!memory.plan || asked.boots === null) return null;
  const { kind } = memory.plan;
  // An iPXE without HTTP gets a first stage that has it. A pxe node gets the script only in an iPXE that its firmware
  // fetched by HTTP: any other iPXE may be the ROM's, and the node is to boot GRUB.
  const scripted = kind === 'ipxe' || memory.cameByHttp;
  if (scripted && asked.ipxe && !asked.withoutHttp) return `${settings.bootUrl}/${settings.bootScript}`;
  const { arch } = asked;
  if (arch === null) return null;
  const { [kind]: stage, pxeByHttp } = settings.firstStage;
  if (asked.boots !== 'http') return stage[arch];
  const name = (kind === 'pxe' ? pxeByHttp[arch] : null) ?? stage[arch];
  return name === null ? null : `${settings.bootUrl}/${name}`;
}

/** Adds the options that must come last, and the destination (RFC 2131 §4.1). */
function finish(reply: Dhcp4Packet, asked: Question, binds: string | null): Reply {
  const { packet } = asked;
  const selection = getOption(packet.options, 'subnet_selection');
  if (selection !== undefined) setOption(reply.options, 'subnet_selection', selection); // RFC 3011 §3
  const relay = getOption(packet.options, 'relay_agent');
  // RFC 3046 §2.2: the same bytes, as the last option. A switch may add it without giaddr.
  if (relay) setOption(reply.options, 'relay_agent', relay);
  if (packet.giaddr !== NO_ADDRESS)
    return { reply, to: { address: packet.giaddr, port: SERVER_PORT }, binds };
  // A client with an address gets unicast, all others broadcast, whatever their flag says: unicast to an address that
  // is not configured yet needs an ARP entry, which only raw sockets or root's netlink could make.
  const unicast = packet.ciaddr !== NO_ADDRESS && asked.subnet?.contains(packet.ciaddr);
  return { reply, to: { address: unicast ? packet.ciaddr : EVERYBODY, port: CLIENT_PORT }, binds };
}
