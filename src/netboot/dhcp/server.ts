import type { NetbootSection } from '../../config/section/netboot.js';
import { FerricError, messageOf } from '../../domain/errors.js';
import type { BootPlanRepository } from '../../persistence/boot-plan/boot-plan.repository.js';
import type { Sightings } from '../../persistence/boot-sighting/sightings.js';
import { contained } from '../../platform/boundary.js';
import type { Logger } from '../../platform/logger.js';
import { count, reading } from '../../platform/meter/meter.js';
import { RateLimit } from '../../platform/rate-limit.js';
import { ThrottledLog } from '../../platform/throttled-log.js';
import { getOption } from '../../protocol/dhcp4/options.js';
import { decodeDhcp4, encodeDhcp4, formatMac, MESSAGE_TYPE } from '../../protocol/dhcp4/packet.js';
import { MalformedPacket } from '../../protocol/malformed-packet.js';
import { Datagrams } from '../datagrams.js';
import { AddressAllocator } from './address-allocator.js';
import { AddressProbe } from './address-probe.js';
import { answer, type Reply } from './answer.js';
import { adoptDeviceSocket, type DeviceSocket, openDeviceSocket } from './device-socket.js';
import { ForeignServers } from './foreign-servers.js';
import { interfaceAddresses, interfaceNumber } from './interface-addresses.js';
import { KnownMacs, type KnownPorts } from './known-macs.js';
import { type Question, question, type Silence } from './question.js';
import { type DhcpSettings, dhcpSettings } from './settings.js';

export interface DhcpMemory {
  ports: KnownPorts;
  plans: Pick<BootPlanRepository, 'kindOf'>;
  leases: ConstructorParameters<typeof AddressAllocator>[0];
  sightings: Pick<Sightings, 'note'>;
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

/** Milliseconds between checks that the interface is still the one that the sockets are tied to. */
const LOOK_AT_INTERFACE = 5_000;
/** Questions handled at once; each takes a few database queries. */
const MAX_UNDER_WAY = 256;
/**
 * Questions of one MAC address a minute: each writes a lease. A machine asks some ten times a boot; whoever forges its
 * address would keep the database busy.
 */
const MAX_PER_MINUTE = 120;
/** Milliseconds from the firmware's message to that of the program it loaded, within one boot. */
const ONE_BOOT = 600_000;
/** Unknown relays reported in the log; any host can invent relays. */
const MAX_STRANGE_RELAYS = 64;

/** The sockets of DHCP. The rules are in `question` and `answer`. */
export class DhcpServer {
  #listeners: Listener[] = [];
  #serving: { settings: DhcpSettings; allocator: AddressAllocator } | null = null;
  #watch: NodeJS.Timeout | null = null;
  readonly #known: KnownMacs<Datagram>;
  /** When a machine's firmware last asked for HTTP boot. */
  readonly #byHttp = new Map<string, number>();
  readonly #strangeRelays = new Set<string>();
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #rate = new RateLimit(MAX_PER_MINUTE);
  readonly #throttled: ThrottledLog;
  readonly #wire: Datagrams;
  readonly #foreign = new ForeignServers();
  #unmeter: () => void = () => {};

  constructor(
    private readonly section: NetbootSection,
    private readonly memory: DhcpMemory,
    private readonly log: Logger,
  ) {
    this.#throttled = new ThrottledLog(log);
    this.#wire = new Datagrams('DHCP', this.#throttled);
    this.#known = new KnownMacs<Datagram>(memory.ports, {
      arrived: (datagram) => this.#receive(datagram),
      stranger: (mac) => this.#throttled.info({ mac }, 'DHCP: no port has this MAC address, not answered'),
      failed: (error) =>
        this.#throttled.error({ error: messageOf(error) }, 'DHCP: the ports could not be read'),
    });
  }

  /** One line: on or off, and its address. */
  describe(): string {
    const { interface: device, mode } = this.section.dhcp;
    if (device === null) return 'DHCP: off (netboot.dhcp.interface names no interface)';
    const at = this.#serving ? ` (${this.#serving.settings.serverAddress})` : '';
    const { subnets } = this.section.dhcp;
    const what = mode === 'proxy' ? 'proxy, boot files only' : `addresses for ${subnets.length} network(s)`;
    return `DHCP: ${this.#serving ? 'on' : 'not started'}, interface ${device}${at}, ${what}`;
  }

  /** Whether it listens; false while its interface is gone. */
  get serves(): boolean {
    return this.#serving !== null;
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
    this.#unmeter = reading('dhcp_foreign_servers', () => [
      { labels: {}, value: this.#foreign.addresses().length },
    ]);
  }

  async #open(device: string): Promise<void> {
    const { mode, socket_fd, proxy_socket_fd } = this.section.dhcp;
    const settings = dhcpSettings(this.section, await this.#serverAddress(device));
    if (mode === 'server' && settings.subnets.length === 0) {
      throw new FerricError('invalid', 'netboot.dhcp.subnets is empty: there is no address to give');
    }
    await this.#known.load();
    // Every address of lo is this host's own: no probe.
    const probe = new AddressProbe(device, device === 'lo' ? 0 : this.section.dhcp.probe_ms);
    this.#serving = { settings, allocator: new AddressAllocator(this.memory.leases, probe, this.#throttled) };
    try {
      await this.#listen(67, device, socket_fd);
      if (mode === 'proxy') await this.#listen(4011, device, proxy_socket_fd);
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  /** A socket tied to a removed interface never receives again, even when an interface of that name returns. */
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
          number = null; // retried at the next check: the address may not be assigned yet
        },
      );
    };
    this.#watch = setInterval(contained('DHCP: look at the interface', look), LOOK_AT_INTERFACE).unref();
  }

  #close(): void {
    for (const { socket } of this.#listeners) socket.socket.close();
    this.#listeners = [];
    this.#serving = null;
  }

  async stop(): Promise<void> {
    if (this.#watch) clearInterval(this.#watch);
    this.#watch = null;
    this.#close();
    this.#known.stop();
    this.#unmeter();
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
    const broken = (error: Error) => this.#throttled.error({ error: error.message }, 'DHCP: socket');
    socket.socket.on('error', contained('DHCP: socket', broken));
  }

  #receive(datagram: Datagram): void {
    const { bytes } = datagram;
    // The MAC address is checked first: an unknown client's packet is dropped before it is decoded.
    if (bytes.length < 240 || bytes[0] !== 1 || bytes[2] !== 6) return;
    const mac = formatMac(bytes.subarray(28, 34));
    if (!this.#known.has(mac)) {
      count('dhcp_ignored_total', { reason: 'unknown MAC' });
      this.#known.wait(mac, datagram);
      return;
    }
    // One question of a client at a time: it repeats itself when it gets no answer.
    if (this.#underWay.has(mac) || this.#underWay.size >= MAX_UNDER_WAY) {
      count('dhcp_ignored_total', { reason: 'another question is under way' });
      return;
    }
    const work = this.#handle(datagram, mac).finally(() => this.#underWay.delete(mac));
    this.#underWay.set(mac, work);
  }

  async #handle(datagram: Datagram, mac: string): Promise<void> {
    try {
      const result = await this.#decide(datagram, mac);
      if ('silence' in result) {
        // Without IP addresses: each would be a time series of its own.
        const reason = result.silence.replace(/\d+\.\d+\.\d+\.\d+/g, '…');
        count('dhcp_ignored_total', { reason });
        this.log.debug({ mac, reason: result.silence }, 'DHCP: not answered');
        return;
      }
      await this.#send(result, datagram.via, mac);
    } catch (error) {
      const bad = error instanceof MalformedPacket;
      count('dhcp_ignored_total', { reason: bad ? 'malformed' : 'fault of ours' });
      const words = { mac, error: messageOf(error) };
      if (bad) this.#throttled.warn(words, 'DHCP: a packet that breaks the protocol');
      else this.#throttled.error(words, 'DHCP: not answered for a fault of ours');
    }
  }

  async #decide(datagram: Datagram, mac: string): Promise<Reply | Silence> {
    const serving = this.#serving;
    if (!serving) return { silence: 'stopping' };
    const { settings, allocator } = serving;
    const { address, port: from, via } = datagram;
    const packet = decodeDhcp4(datagram.bytes);
    const asked = question(packet, { address, port: from, localPort: via.localPort }, settings);
    if (packet.faults) {
      const words = { mac, faults: packet.faults };
      this.#throttled.warn(
        words,
        'DHCP: a packet that breaks the protocol; what could not be read is passed over',
      );
    }
    count('dhcp_messages_total', { direction: 'in', type: messageType(packet.options) });
    const writes = !('silence' in asked) || asked.effect !== undefined;
    if (writes && this.#rate.take(mac) > 0) return { silence: 'over rate' };
    if ('silence' in asked) return this.#passedOver(asked, allocator);
    const port = await this.memory.ports.byMac(asked.mac);
    if (!port) return { silence: 'unknown MAC' };
    const plan = asked.boots === null ? null : await this.memory.plans.kindOf(asked.mac);
    if (asked.withoutHttp && plan?.kind === 'ipxe') {
      this.#throttled.warn(
        { mac: asked.mac },
        'DHCP: an iPXE without HTTP, given the first boot file in its stead',
      );
    }
    const given = asked.needsAddress ? await allocator.addressFor(asked, port, settings) : null;
    const cameByHttp = this.#cameByHttp(asked);
    const result = answer(asked, { port, plan, address: given, cameByHttp }, settings);
    if ('reply' in result) {
      const { node_uuid } = port;
      const source = result.reply.yiaddr;
      this.memory.sightings.note({ node_uuid, kind: 'dhcp', name: programOf(asked), source, bytes: 0 });
    }
    return result;
  }

  /** The firmware's HTTP boot and the iPXE that it fetched belong to one boot of the machine. */
  #cameByHttp({ mac, boots, ipxe }: Question): boolean {
    const now = performance.now();
    if (boots === 'http') this.#byHttp.set(mac, now);
    else if (boots === 'pxe' && !ipxe) this.#byHttp.delete(mac);
    return now - (this.#byHttp.get(mac) ?? Number.NEGATIVE_INFINITY) < ONE_BOOT;
  }

  async #passedOver(silence: Silence, allocator: AddressAllocator): Promise<Silence> {
    const { effect, relay, server } = silence;
    if (server !== undefined && this.#foreign.note(server))
      this.log.info({ server }, 'DHCP: a known machine chose another server');
    if (
      relay !== undefined &&
      !this.#strangeRelays.has(relay) &&
      this.#strangeRelays.size < MAX_STRANGE_RELAYS
    ) {
      this.#strangeRelays.add(relay);
      this.log.warn(
        { relay },
        'DHCP: a relay that is in the `relays` of no network (netboot.dhcp.subnets); nothing it forwards is answered',
      );
    }
    if (effect) await allocator.remember(effect);
    return silence;
  }

  async #send({ reply, to }: Reply, { socket }: Listener, mac: string): Promise<void> {
    const bytes = encodeDhcp4(reply);
    await new Promise<void>((resolve, reject) => {
      socket.socket.send(bytes, to.port, socket.to(to.address), (error) =>
        error ? reject(error) : resolve(),
      );
    });
    count('dhcp_messages_total', { direction: 'out', type: messageType(reply.options) });
    this.log.info(
      { mac, type: getOption(reply.options, 'message_type'), ip: reply.yiaddr, file: reply.file, to },
      'DHCP: answered',
    );
  }
}

/** The program that asks: the machine's firmware by its architecture, iPXE, or an operating system. */
function programOf({ boots, ipxe, arch }: Question): string {
  if (ipxe) return 'ipxe';
  return boots === null ? 'system' : (arch ?? 'firmware');
}

/** The name of the message's type. */
function messageType(options: Parameters<typeof getOption>[0]): string {
  const code = getOption(options, 'message_type');
  const named = Object.entries(MESSAGE_TYPE).find(([, value]) => value === code);
  return named?.[0] ?? (code === undefined ? 'none' : 'unknown');
}
