import type { RemoteInfo, Socket } from 'node:dgram';
import { messageOf } from '../domain/errors.js';
import { contained } from '../platform/boundary.js';
import type { ThrottledLog } from '../platform/throttled-log.js';

/** Where a datagram goes to. */
export interface Peer {
  address: string;
  port: number;
}

/** The UDP sockets of this room: an error in a datagram or in its handler is caught here and never ends the process. */
export class Datagrams {
  #dropped = 0;

  /** @param service prefix of the log lines: DHCP, TFTP */
  constructor(
    private readonly service: string,
    private readonly log: Pick<ThrottledLog, 'warn' | 'error'>,
  ) {}

  /** Datagrams dropped at receipt since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Passes datagrams to `handle`; one without a source port (RFC 768: no reply is expected) is dropped and counted. */
  receive(
    socket: Socket,
    handle: (bytes: Uint8Array, from: RemoteInfo) => void | Promise<void>,
    failed?: (error: unknown) => void,
  ): void {
    const admit = (bytes: Uint8Array, from: RemoteInfo) => {
      if (from.port !== 0) return handle(bytes, from);
      this.#dropped++;
      this.log.warn(
        { client: from.address, dropped: this.#dropped },
        `${this.service}: a datagram without a source port was dropped`,
      );
    };
    socket.on('message', contained(`${this.service}: datagram`, admit, failed));
  }

  /** Sends. A failure is logged: the peer repeats its request. Later failures are the socket's `error` event. */
  send(socket: Socket, bytes: Uint8Array, to: Peer): void {
    try {
      socket.send(bytes, to.port, to.address);
    } catch (error) {
      this.log.error({ client: to.address, error: messageOf(error) }, `${this.service}: could not be sent`);
    }
  }
}
