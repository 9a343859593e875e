import { createSocket, type Socket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { messageOf } from '../../domain/errors.js';
import { contained } from '../../platform/boundary.js';
import type { HeldPorts } from '../../platform/held-ports.js';
import type { ThrottledLog } from '../../platform/throttled-log.js';

/** A socket on one address of this host. */
export interface Door {
  readonly address: string;
  readonly socket: Socket;
}

const EVERY_ADDRESS = '0.0.0.0';
/** Milliseconds between checks of this host's addresses. */
const LOOK = 5_000;

/**
 * The sockets that receive requests. A datagram does not carry its destination address, and clients reject an answer
 * from another address (RFC 1350 §4): to listen on every address, each address gets its own socket.
 */
export class Doors {
  readonly #doors = new Map<string, Door>();
  #port: number | null = null;
  #watch: NodeJS.Timeout | null = null;

  constructor(
    private readonly opened: (door: Door) => void,
    private readonly log: Pick<ThrottledLog, 'error'>,
  ) {}

  /** The UDP port, or null where none is open. */
  get port(): number | null {
    return this.#port;
  }

  get count(): number {
    return this.#doors.size;
  }

  /** @throws Error where an address or the port cannot be bound */
  async open(listen: string, port: number, ports: HeldPorts): Promise<void> {
    if (listen !== EVERY_ADDRESS) {
      this.#port = await this.#add(listen, port, ports);
      return;
    }
    try {
      for (const address of ownAddresses()) this.#port = await this.#add(address, this.#port ?? port, ports);
    } catch (error) {
      this.close();
      throw error;
    }
    this.#watch = setInterval(
      contained('TFTP: own addresses', () => this.#follow()),
      LOOK,
    ).unref();
  }

  close(): void {
    if (this.#watch) clearInterval(this.#watch);
    this.#watch = null;
    this.#port = null;
    for (const door of this.#doors.values()) door.socket.close();
    this.#doors.clear();
  }

  isOpen(door: Door): boolean {
    return this.#doors.get(door.address) === door;
  }

  /** Follows changes of this host's addresses: a cable, a lease, a container. */
  async #follow(): Promise<void> {
    const own = ownAddresses();
    for (const { address, socket } of this.#doors.values()) {
      if (own.includes(address)) continue;
      socket.close();
      this.#doors.delete(address);
    }
    for (const address of own) {
      const port = this.#port;
      if (port === null || this.#doors.has(address)) continue;
      await this.#add(address, port).catch((error) =>
        this.log.error(
          { address, error: messageOf(error) },
          'TFTP: an address of ours cannot be listened to',
        ),
      );
    }
  }

  async #add(address: string, port: number, ports?: HeldPorts): Promise<number> {
    const socket = ports?.takeUdp(address, port) ?? (await this.#bind(address, port));
    const broken = (error: Error) => this.log.error({ address, error: error.message }, 'TFTP: socket');
    socket.on('error', contained('TFTP: socket', broken));
    const door = { address, socket };
    this.#doors.set(address, door);
    this.opened(door);
    return socket.address().port;
  }

  async #bind(address: string, port: number): Promise<Socket> {
    const socket = createSocket('udp4');
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.bind({ address, port, exclusive: true }, () => {
          socket.off('error', reject);
          resolve();
        });
      });
    } catch (error) {
      socket.close();
      throw error;
    }
    return socket;
  }
}

/** The addresses that TFTP has a socket on. @param listen netboot.tftp.listen */
export function doorAddresses(listen: string): string[] {
  return listen === EVERY_ADDRESS ? ownAddresses() : [listen];
}

function ownAddresses(): string[] {
  const rows = Object.values(networkInterfaces()).flatMap((of) => of ?? []);
  return [...new Set(rows.filter((row) => row.family === 'IPv4').map((row) => row.address))];
}
