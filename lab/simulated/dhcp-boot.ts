import type { Socket } from 'node:dgram';
import { getOption, setOption } from '../../src/protocol/dhcp4/options.js';
import {
  type Dhcp4Packet,
  decodeDhcp4,
  encodeDhcp4,
  formatMac,
  MESSAGE_TYPE,
} from '../../src/protocol/dhcp4/packet.js';
import { MalformedPacket } from '../../src/protocol/malformed-packet.js';
import type { BootSource } from './simulated-machine.js';
import { tftpDrain } from './tftp-client.js';

export interface Lease {
  address: string;
  /** Address of the DHCP server (option 54). */
  server: string;
  /** Server of the first stage: option 66 if it is an address, or siaddr. */
  nextServer: string;
  /** Boot file: option 67, or the `file` field. */
  bootFile: string;
  packet: Dhcp4Packet;
}

export interface LeaseRequest {
  mac: string;
  uuid?: string;
  /** Client architecture (RFC 4578): 0 BIOS, 7 UEFI on x86-64. */
  arch: 0 | 7;
  /** Whether the client identifies as iPXE (user class and option 175), so that it gets a script and not iPXE again. */
  ipxe: boolean;
  signal?: AbortSignal;
  /** Milliseconds until the first retransmission, doubled for each further one. Default 1 000. */
  retry?: number;
}

/** Many DHCP clients on one socket (port 68, with broadcast), distinguished by transaction and hardware address. */
export class DhcpClients {
  readonly #waiting = new Map<number, (packet: Dhcp4Packet) => void>();

  constructor(
    private readonly socket: Socket,
    private readonly to = { address: '255.255.255.255', port: 67 },
  ) {
    socket.setBroadcast(true);
    socket.on('message', (bytes) => {
      try {
        const packet = decodeDhcp4(bytes);
        if (packet.op === 'reply') this.#waiting.get(packet.xid)?.(packet);
      } catch (error) {
        if (!(error instanceof MalformedPacket)) throw error; // malformed packets are ignored
      }
    });
  }

  /** DISCOVER to ACK. @throws Error when no server responds to six tries, or on a NAK */
  async lease(request: LeaseRequest): Promise<Lease> {
    const offer = await this.#exchange(request, MESSAGE_TYPE.discover);
    const ack = await this.#exchange(request, MESSAGE_TYPE.request, offer);
    if (getOption(ack.options, 'message_type') === MESSAGE_TYPE.nak)
      throw new Error(
        `DHCP refused ${request.mac}: ${getOption(ack.options, 'message') ?? 'no reason given'}`,
      );
    return {
      address: ack.yiaddr,
      server: getOption(ack.options, 'server_id') ?? ack.siaddr,
      nextServer: getOption(ack.options, 'tftp_server_name') ?? ack.siaddr,
      bootFile: getOption(ack.options, 'boot_file_name') ?? ack.file,
      packet: ack,
    };
  }

  #exchange(request: LeaseRequest, type: 1 | 3, offer?: Dhcp4Packet): Promise<Dhcp4Packet> {
    const xid = Math.floor(Math.random() * 0xffffffff);
    const bytes = encodeDhcp4(packetOf(request, type, xid, offer));
    const { signal, retry = 1_000 } = request;
    return new Promise((resolve, reject) => {
      let tries = 0;
      let timer: NodeJS.Timeout;
      const end = (settle: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(xid);
        signal?.removeEventListener('abort', aborted);
        settle();
      };
      const aborted = () => end(() => reject(new Error('the power went')));
      const send = () => {
        if (++tries > 6) {
          end(() => reject(new Error(`no DHCP answer for ${request.mac}`)));
          return;
        }
        this.socket.send(bytes, this.to.port, this.to.address);
        timer = setTimeout(send, retry * 2 ** (tries - 1));
      };
      const wanted: number[] = type === 1 ? [MESSAGE_TYPE.offer] : [MESSAGE_TYPE.ack, MESSAGE_TYPE.nak];
      this.#waiting.set(xid, (packet) => {
        if (formatMac(packet.chaddr) !== request.mac) return;
        if (wanted.includes(getOption(packet.options, 'message_type') ?? 0)) end(() => resolve(packet));
      });
      signal?.addEventListener('abort', aborted);
      send();
    });
  }
}

function packetOf(request: LeaseRequest, type: 1 | 3, xid: number, offer?: Dhcp4Packet): Dhcp4Packet {
  const packet: Dhcp4Packet = {
    op: 'request',
    htype: 1,
    hops: 0,
    xid,
    secs: 0,
    flags: 0x8000, // broadcast: no interface has the address yet
    ciaddr: '0.0.0.0',
    yiaddr: '0.0.0.0',
    siaddr: '0.0.0.0',
    giaddr: '0.0.0.0',
    chaddr: Uint8Array.from(request.mac.split(':').map((octet) => Number.parseInt(octet, 16))),
    sname: '',
    file: '',
    options: new Map(),
  };
  const { options } = packet;
  setOption(options, 'message_type', type);
  setOption(options, 'max_message_size', 1472);
  const arch = String(request.arch).padStart(5, '0');
  setOption(options, 'vendor_class', `PXEClient:Arch:${arch}:UNDI:003010`);
  setOption(options, 'client_arch', [request.arch]);
  setOption(options, 'client_interface', Uint8Array.of(1, 3, 16));
  if (request.uuid !== undefined) {
    const octets = Buffer.from(request.uuid.replaceAll('-', ''), 'hex');
    setOption(options, 'client_uuid', Uint8Array.of(0, ...octets));
  }
  setOption(options, 'parameter_list', [1, 3, 6, 12, 15, 43, 60, 66, 67, 150, 175]);
  if (request.ipxe) {
    setOption(options, 'user_class', Buffer.from('iPXE'));
    setOption(options, 'ipxe', Uint8Array.of(0x13, 1, 1, 0x21, 1, 1)); // iPXE's features: HTTP, EFI/BIOS
  }
  if (offer !== undefined) {
    setOption(options, 'requested_address', offer.yiaddr);
    const server = getOption(offer.options, 'server_id');
    if (server !== undefined) setOption(options, 'server_id', server);
  }
  return packet;
}

export interface DhcpBootOptions {
  clients: DhcpClients;
  /** 'ipxe': the ROM is iPXE; 'firmware': the first stage comes by TFTP, then iPXE requests a lease of its own. */
  rom: 'ipxe' | 'firmware';
  /** Makes an unused UDP socket for TFTP. */
  udp: () => Promise<Socket> | Socket;
}

/** Boots as firmware does: a lease, the first stage by TFTP if needed, then as iPXE a lease with the script's URL. */
export function dhcpBoot({ clients, rom, udp }: DhcpBootOptions): BootSource {
  return async ({ mac, uuid, firmware }, signal) => {
    const arch = firmware === 'bios' ? 0 : 7;
    if (rom === 'firmware') {
      const first = await clients.lease({ mac, uuid, arch, ipxe: false, signal });
      if (first.bootFile === '') throw new Error(`DHCP gave ${mac} no boot file`);
      await tftpDrain(await udp(), { host: first.nextServer, port: 69 }, first.bootFile, { signal });
    }
    const lease = await clients.lease({ mac, uuid, arch, ipxe: true, signal });
    if (!/^https?:/.test(lease.bootFile))
      throw new Error(`DHCP gave ${mac} no script but "${lease.bootFile}"`);
    return {
      scriptUrl: lease.bootFile,
      settings: { 'net0/ip': lease.address, 'next-server': lease.nextServer, filename: lease.bootFile },
    };
  };
}
