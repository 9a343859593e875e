import type { BootPlanRepository } from '../../boot-plan/boot-plan.repository.js';
import type { NetbootSection } from '../../config/section/netboot.js';
import { FerricError, messageOf } from '../../domain/errors.js';
import type { LeaseRepository } from '../../lease/lease.repository.js';
import { contained } from '../../platform/boundary.js';
import type { Logger } from '../../platform/logger.js';
import { Sparingly } from '../../platform/sparingly.js';
import { getOption } from '../../protocol/dhcp4/options.js';
import { decodeDhcp4, encodeDhcp4, formatMac } from '../../protocol/dhcp4/packet.js';
import { MalformedPacket } from '../../protocol/malformed-packet.js';
import { Datagrams } from '../datagrams.js';
import { answer, type Reply } from './answer.js';
import { adoptDeviceSocket, type DeviceSocket, openDeviceSocket } from './device-socket.js';
import { interfaceAddresses, interfaceNumber } from './interface-addresses.js';
import { KnownMacs, type KnownPorts } from './known-macs.js';
import { type Question, question, type Silence } from './question.js';
import { type DhcpSettings, dhcpSettings, type Subnet } from './settings.js';

export interface DhcpMemory {
  ports: KnownPorts;
  plans: Pick<BootPlanRepository, 'kindOf'>;
  leases: Pick<LeaseRepository, 'allocate' | 'bind' | 'release' | 'decline'>;
}

interface Datagram {
  bytes: Uint8Array;
  address: string;
  port: number;
  via: Listener;
}

interface Listener {
  socket: DeviceSocket;
  localPort: 67 | 4011;
}

/** Milliseconds between looks at whether the interface is still the one that the sockets are tied to. */
const LOOK_AT_INTERFACE = 5_000;
/** Questions under way at once; each takes a few database queries. */
const MAX_UNDER_WAY = 256;

/** The sockets of DHCP. What is answered stands in `question` and `answer`. */
export class DhcpServer {
  #listeners: Listener[] = [];
  #settings: DhcpSettings | null = null;
  #watch: NodeJS.Timeout | null = null;
  readonly #known: KnownMacs<Datagram>;
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #sparingly: Sparingly;
  readonly #wire: Datagrams;

  constructor(
    private readonly section: NetbootSection,
    private readonly memory: DhcpMemory,
    private readonly log: Logger,
  ) {
    this.#sparingly = new Sparingly(log);
    this.#wire = new Datagrams('DHCP', this.#sparingly);
    this.#known = new KnownMacs<Datagram>(memory.ports, {
      arrived: (datagram) => this.#receive(datagram),
      stranger: (mac) => this.#sparingly.info({ mac }, 'DHCP: no port has this MAC address, not answered'),
      failed: (error) =>
        this.#sparingly.error({ error: messageOf(error) }, 'DHCP: the ports could not be read'),
    });
  }

  /** One line: on or off, and where. */
  describe(): string {
    const { interface: device, mode } = this.section.dhcp;
    if (device === null) return 'DHCP: off (netboot.dhcp.interface names no interface)';
    const at = this.#settings ? ` (${this.#settings.serverAddress})` : '';
    const { subnets } = this.section.dhcp;
    const what = mode === 'proxy' ? 'proxy, boot files only' : `addresses for ${subnets.length} network(s)`;
    return `DHCP: ${this.#settings ? 'on' : 'not started'}, interface ${device}${at}, ${what}`;
  }

  /**
   * Does nothing where DHCP is off.
   * @throws FerricError when the interface cannot be served alone
   */
  async start(): Promise<void> {
    const { interface: device } = this.section.dhcp;
    if (device === null) return;
    await this.#open(device);
    this.#watchInterface(device);
  }

  async #open(device: string): Promise<void> {
    const { mode, socket_fd, proxy_socket_fd } = this.section.dhcp;
    const settings = dhcpSettings(this.section, await this.#serverAddress(device));
    if (mode === 'server' && settings.subnets.length === 0) {
      throw new FerricError('invalid', 'netboot.dhcp.subnets is empty: there is no address to give');
    }
    await this.#known.load();
    this.#settings = settings;
    try {
      await this.#listen(67, device, socket_fd);
      if (mode === 'proxy') await this.#listen(4011, device, proxy_socket_fd);
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  /** A socket tied to an interface that was removed hears nothing for ever, also when one of that name comes back. */
  #watchInterface(device: string): void {
    let number = interfaceNumber(device);
    const look = () => {
      const now = interfaceNumber(device);
      if (now === number) return;
      if (now === null) this.log.error({ interface: device }, 'DHCP: the interface is gone');
      number = now;
      if (now === null || this.section.dhcp.socket_fd !== null) return;
      this.#close();
      this.#open(device).then(
        () => {
          if (this.#watch === null)
            this.#close(); // stopped meanwhile
          else this.log.info({ interface: device }, 'DHCP: the interface is back and served');
        },
        (error) => {
          this.log.error(
            { interface: device, error: messageOf(error) },
            'DHCP: the interface is back, not served',
          );
          number = null; // tried again at the next look: its address may be still to come
        },
      );
    };
    this.#watch = setInterval(contained('DHCP: look at the interface', look), LOOK_AT_INTERFACE).unref();
  }

  #close(): void {
    for (const { socket } of this.#listeners) socket.socket.close();
    this.#listeners = [];
    this.#settings = null;
  }

  async stop(): Promise<void> {
    if (this.#watch) clearInterval(this.#watch);
    this.#watch = null;
    this.#close();
    this.#known.stop();
    await Promise.all(this.#underWay.values());
  }

  async #serverAddress(device: string): Promise<string> {
    const addresses = await interfaceAddresses(device);
    const wanted = this.section.dhcp.server_address;
    const found = wanted === null ? addresses[0] : addresses.find((address) => address === wanted);
    if (found !== undefined) return found;
    throw new FerricError(
      'invalid',
      wanted === null
        ? `The interface ${device} (netboot.dhcp.interface) has no IPv4 address`
        : `The interface ${device} does not have the address ${wanted} (netboot.dhcp.server_address)`,
    );
  }

  async #listen(localPort: 67 | 4011, device: string, fd: number | null): Promise<void> {
    const socket =
      fd === null
        ? await openDeviceSocket(device, localPort)
        : await adoptDeviceSocket(fd, device, localPort);
    const via: Listener = { socket, localPort };
    this.#listeners.push(via);
    this.#wire.receive(socket.socket, (bytes, from) => {
      this.#receive({ bytes, address: socket.from(from.address), port: from.port, via });
    });
    const broken = (error: Error) => this.#sparingly.error({ error: error.message }, 'DHCP: socket');
    socket.socket.on('error', contained('DHCP: socket', broken));
  }

  #receive(datagram: Datagram): void {
    const { bytes } = datagram;
    // The address alone is looked at first: a stranger's packet is dropped before any of it is decoded.
    if (bytes.length < 240 || bytes[0] !== 1 || bytes[2] !== 6) return;
    const mac = formatMac(bytes.subarray(28, 34));
    if (!this.#known.has(mac)) {
      this.#known.wait(mac, datagram);
      return;
    }
    // One question of a client at a time: it repeats itself when it gets no answer.
    if (this.#underWay.has(mac) || this.#underWay.size >= MAX_UNDER_WAY) return;
    const work = this.#handle(datagram, mac).finally(() => this.#underWay.delete(mac));
    this.#underWay.set(mac, work);
  }

  async #handle(datagram: Datagram, mac: string): Promise<void> {
    try {
      const result = await this.#decide(datagram);
      if ('silence' in result) {
        this.log.debug({ mac, reason: result.silence }, 'DHCP: not answered');
        if (result.effect) await this.#remember(result.effect);
        return;
      }
      await this.#send(result, datagram.via, mac);
    } catch (error) {
      const bad = error instanceof MalformedPacket;
      const words = { mac, error: messageOf(error) };
      if (bad) this.#sparingly.warn(words, 'DHCP: a packet that breaks the protocol');
      else this.#sparingly.error(words, 'DHCP: not answered for a fault of ours');
    }
  }

  async #decide(datagram: Datagram): Promise<Reply | Silence> {
    const settings = this.#settings;
    if (!settings) return { silence: 'stopping' };
    const received = {
      address: datagram.address,
      port: datagram.port,
      localPort: datagram.via.localPort,
    };
    const asked = question(decodeDhcp4(datagram.bytes), received, settings);
    if ('silence' in asked) return asked;
    const port = await this.memory.ports.byMac(asked.mac);
    if (!port) return { silence: 'unknown MAC' };
    const plan = asked.boots === null ? null : await this.memory.plans.kindOf(asked.mac);
    const address = asked.needsAddress ? await this.#address(asked, port, settings) : null;
    const result = answer(asked, { port, plan, address }, settings);
    if ('silence' in result || result.binds === null) return result;
    return (await this.memory.leases.bind(asked.mac, result.binds, settings.leaseTime))
      ? result
      : { silence: 'the address went to another meanwhile' };
  }

  async #address(
    asked: Question,
    port: { uuid: string; node_uuid: string },
    settings: DhcpSettings,
  ): Promise<string | null> {
    const { subnet, mac, packet } = asked;
    if (!subnet) return null;
    const host = settings.hosts.get(mac)?.ip;
    const client = {
      mac,
      node_uuid: port.node_uuid,
      port_uuid: port.uuid,
      arch: asked.arch,
      vendor_class: printable(getOption(packet.options, 'vendor_class')),
      hostname: printable(getOption(packet.options, 'host_name')),
    };
    const address = await this.memory.leases.allocate(client, {
      fixed: host !== undefined && subnet.contains(host) ? host : null,
      pool:
        subnet.range_start !== null && subnet.range_end !== null
          ? { start: subnet.range_start, end: subnet.range_end }
          : null,
      excluded: reserved(subnet, settings),
      wanted: asked.wanted,
    });
    if (address === null) {
      this.#sparingly.warn({ mac, network: subnet.cidr }, 'DHCP: no address is free for a known port');
    }
    return address;
  }

  async #remember({ kind, mac, ip }: NonNullable<Silence['effect']>): Promise<void> {
    await this.memory.leases[kind](mac, ip);
    if (kind === 'decline') {
      this.log.warn({ mac, ip }, 'DHCP: the client found its address in use by another');
    }
  }

  async #send({ reply, to }: Reply, { socket }: Listener, mac: string): Promise<void> {
    const bytes = encodeDhcp4(reply);
    await new Promise<void>((resolve, reject) => {
      socket.socket.send(bytes, to.port, socket.to(to.address), (error) =>
        error ? reject(error) : resolve(),
      );
    });
    this.log.info(
      { mac, type: getOption(reply.options, 'message_type'), ip: reply.yiaddr, file: reply.file, to },
      'DHCP: answered',
    );
  }
}

function reserved(subnet: Subnet, settings: DhcpSettings): string[] {
  const taken = [settings.serverAddress, ...subnet.routers, ...subnet.dns_servers];
  return [...taken, ...[...settings.hosts.values()].map((host) => host.ip)].filter(subnet.contains);
}

/** Clients' texts go into the database and log lines: visible ASCII only. */
function printable(text: string | undefined): string | null {
  return text ? text.replace(/[^\x20-\x7e]/g, '?').slice(0, 255) : null;
}
