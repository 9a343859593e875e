import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6, SocketAddress } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../../domain/errors.js';
import { contained, detached } from '../../../platform/boundary.js';
import { type Lines, ThrottledLog } from '../../../platform/throttled-log.js';
import { MalformedPacket } from '../../../protocol/malformed-packet.js';
import { FAULTS } from '../faults.js';
import { inSession, NativeFault } from './outcome.js';
import { Pace } from './pace.js';
import { type PacketFate, Traffic } from './traffic.js';

/** Sockets per address family: each has a receive buffer of its own. */
const SOCKETS = 4;

/** Octets; the kernel grants at most its rmem_max. */
const RECEIVE_BUFFER = 4 * 1024 * 1024;

/** Greatest UDP payload that is read: an IPMI message has at most 255 octets, with its headers below 400. */
const LONGEST = 1_500;

/** ms for the kernel to take the last packets. */
const CLOSING = 1_000;

/** ms for farewells to leave at the pace, when the sockets close. */
const FAREWELLS = 2_000;

/** Where a BMC listens. */
export interface Place {
  readonly address: string;
  readonly port: number;
}

/** Receives the packets of one BMC. */
export interface Listener {
  /**
   * @returns whether it was an answer to its question
   * @throws MalformedPacket for a packet that is none: it is dropped
   */
  receive(bytes: Uint8Array): boolean;
}

/**
 * The UDP sockets for all BMCs. A packet reaches only those who have asked its sender, by address and port; all others
 * are counted and dropped. Lost packets are the caller's to repeat, those that the kernel refuses to send, too.
 */
export class BmcSockets {
  readonly traffic = new Traffic();
  readonly #pace: Pace;
  readonly #log: ThrottledLog;
  readonly #sockets = new Map<string, Promise<Socket>>();
  readonly #listeners = new Map<string, Set<Listener>>();
  #closed = false;
  /** Packets that the kernel has not taken yet, by their number, and who waits for that. */
  readonly #leaving = new Set<number>();
  #packets = 0;
  #quiet: () => void = () => {};
  readonly #farewells = new Set<Promise<void>>();

  constructor(parts: { packetsPerSecond: number; log: Lines }) {
    this.#pace = new Pace(parts.packetsPerSecond);
    this.#log = new ThrottledLog(parts.log);
  }

  /**
   * Sends a packet as soon as the pace allows it. Fulfilled when it was handed to the kernel, or is not needed any more.
   * @param make called right before it leaves; undefined: it is not needed any more
   * @param left called after it was handed to the kernel, which may have refused it: such a packet is a lost one
   * @throws NativeFault of stage `session` if no socket could be opened
   */
  async send(place: Place, make: () => Uint8Array | undefined, left?: () => void): Promise<void> {
    const socket = await this.#socketFor(place);
    await new Promise<void>((resolve, reject) => {
      this.#pace.pass(() => {
        try {
          const bytes = this.#closed ? undefined : make();
          if (bytes) {
            this.#hand(socket, place, bytes);
            left?.();
          }
          resolve();
        } catch (error) {
          reject(error as Error);
        }
      });
    });
  }

  /** Sends a packet whose answer nobody waits for; `close` waits for its leaving. */
  farewell(place: Place, packet: () => Uint8Array): void {
    const leaving = this.send(place, packet)
      .catch((error: unknown) => {
        if (!(error instanceof NativeFault)) throw error; // no socket: the session ends by its own timeout
      })
      .finally(() => this.#farewells.delete(leaving));
    this.#farewells.add(leaving);
    detached('ipmi: farewell', leaving);
  }

  #hand(socket: Socket, place: Place, bytes: Uint8Array): void {
    this.traffic.note('sent');
    const packet = this.#packets++;
    this.#leaving.add(packet);
    const sent = (error: Error | null) => {
      this.#gone(packet);
      if (!error) return;
      this.traffic.note('unsent');
      this.#log.warn({ bmc: place.address, error: error.message }, 'a packet to a BMC could not be sent');
    };
    try {
      socket.send(
        bytes,
        place.port,
        place.address,
        contained('ipmi: sent', sent, () => this.#gone(packet)),
      );
    } catch (error) {
      sent(error as Error); // the socket was closed while the packet waited for the pace
    }
  }

  #gone(packet: number): void {
    this.#leaving.delete(packet);
    if (this.#leaving.size === 0) this.#quiet();
  }

  /** @returns ends it */
  listen(place: Place, listener: Listener): () => void {
    const key = keyOf(place);
    const listeners = this.#listeners.get(key) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(key, listeners);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(key) === listeners) this.#listeners.delete(key);
    };
  }

  /** After the farewells and the packets that have begun to leave, with a limit; others that wait are dropped. */
  async close(): Promise<void> {
    await Promise.race([Promise.allSettled(this.#farewells), sleep(FAREWELLS, undefined, { ref: false })]);
    this.#closed = true;
    const quiet = new Promise<void>((resolve) => {
      this.#quiet = resolve;
      if (this.#leaving.size === 0) resolve();
    });
    await Promise.race([quiet, sleep(CLOSING, undefined, { ref: false })]);
    const sockets = await Promise.allSettled(this.#sockets.values());
    this.#sockets.clear();
    for (const opened of sockets) if (opened.status === 'fulfilled') opened.value.close();
  }

  /** A BMC is always asked by the same socket: some bind a session to the port of its console. */
  #socketFor(place: Place): Promise<Socket> {
    const type = isIPv6(place.address.replace(/%.*/, '')) ? 'udp6' : 'udp4';
    const name = `${type} ${hashOf(keyOf(place)) % SOCKETS}`;
    let socket = this.#sockets.get(name);
    if (!socket) {
      socket = this.#open(type, name);
      this.#sockets.set(name, socket);
    }
    return socket;
  }

  async #open(type: 'udp4' | 'udp6', name: string): Promise<Socket> {
    let socket: Socket | undefined;
    try {
      socket = createSocket({ type, recvBufferSize: RECEIVE_BUFFER });
      socket.on(
        'message',
        contained('ipmi: packet', (bytes, from) => this.#receive(bytes, from)),
      );
      socket.bind(0);
      await once(socket, 'listening');
    } catch (error) {
      this.#sockets.delete(name); // the next packet tries again
      socket?.close();
      const why = (error as NodeJS.ErrnoException).code ?? messageOf(error);
      this.#log.error({ type, error: messageOf(error) }, 'no socket to BMCs could be opened');
      const { message } = FAULTS.noSocket;
      throw new NativeFault(inSession({ ...FAULTS.noSocket, message: `${message} (${why})` }));
    }
    const opened = socket;
    const drop = () => {
      this.#sockets.delete(name);
      opened.close();
    };
    const failed = (error: Error) => {
      this.#log.error({ error: error.message }, 'a socket to BMCs failed; it is opened anew');
      drop();
    };
    opened.on('error', contained('ipmi: socket', failed, drop));
    opened.unref();
    return opened;
  }

  #receive(bytes: Buffer, from: Place): void {
    this.traffic.note(this.#fateOf(bytes, from));
  }

  #fateOf(bytes: Buffer, from: Place): PacketFate {
    const listeners = this.#listeners.get(keyOf(from));
    if (!listeners) return 'unasked';
    if (bytes.length > LONGEST) return 'malformed';
    for (const listener of listeners) {
      try {
        if (listener.receive(bytes)) return 'answer';
      } catch (error) {
        if (!(error instanceof MalformedPacket)) throw error;
        this.#log.info({ bmc: from.address, reason: error.message }, 'a packet of a BMC was dropped');
      }
    }
    return 'malformed';
  }
}

/** One text for each spelling of an address. */
function keyOf({ address, port }: Place): string {
  if (!address.includes(':')) return `${address} ${port}`;
  const [host = '', zone] = address.split('%');
  const { address: canonical } = new SocketAddress({ address: host, family: 'ipv6' });
  return `${canonical}%${zone ?? ''} ${port}`;
}

function hashOf(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (hash * 31 + text.charCodeAt(i)) >>> 0;
  return hash;
}
