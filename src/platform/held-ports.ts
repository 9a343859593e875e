import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { ListenOptions, Server as NetServer } from 'node:net';
import { FerricError, messageOf } from '../domain/errors.js';
import { contained } from './boundary.js';
import { registerListener } from './own-listeners.js';
import { holderInWords } from './port-holder.js';
import { refuseConnections, type Trouble } from './refuse-connections.js';
import { listenOnSocket } from './unix-socket.js';

export interface WantedPort {
  protocol: 'tcp' | 'udp';
  address: string;
  port: number;
  /** The configuration's key, for the message. */
  key: string;
}

/** The path of a Unix socket. */
export interface WantedSocket {
  path: string;
  /** The configuration's key, for the message. */
  key: string;
}

const placeOf = ({ protocol, address, port }: Omit<WantedPort, 'key'>) => `${protocol} ${address} ${port}`;

/**
 * Binds the daemon's ports at the very begin of its start: no other program can take one while it starts, and it never
 * fails half started for a lost port. Until a listener takes its port over, TCP ports answer 503; datagrams are dropped
 * and their senders repeat them.
 */
export class HeldPorts {
  readonly #servers = new Map<string, { server: Server; forget: () => void }>();
  readonly #sockets = new Map<string, Socket>();

  /** @throws FerricError naming every port and path that cannot be bound, and why */
  async hold(wanted: readonly WantedPort[], paths: readonly WantedSocket[] = []): Promise<void> {
    const faults: string[] = [];
    const held: WantedPort[] = [];
    for (const one of wanted) {
      try {
        if (one.protocol === 'tcp') this.#servers.set(placeOf(one), await holdTcp(one));
        else this.#sockets.set(placeOf(one), await holdUdp(one));
        held.push(one);
      } catch (error) {
        const { key, address, port, protocol } = one;
        const why = await reason(error as NodeJS.ErrnoException, one, held);
        faults.push(`${key}: ${address} port ${port} (${protocol.toUpperCase()}) ${why}`);
      }
    }
    for (const { path, key } of paths) {
      try {
        const server = stub();
        await listenOnSocket(server, path);
        this.#servers.set(path, { server, forget: () => {} });
      } catch (error) {
        faults.push(`${key}: ${messageOf(error)}`);
      }
    }
    if (faults.length === 0) return;
    this.#close();
    throw new FerricError('unavailable', faults.join('; '));
  }

  /** Makes a server listen on a held port; a port that is not held is bound. */
  listen(server: NetServer, at: { address: string; port: number }): Promise<void> {
    const { address: host, port } = at;
    return this.#takeOver(server, placeOf({ protocol: 'tcp', ...at }), { host, port });
  }

  /** Makes a server listen on a held Unix socket; one that is not held is bound. */
  listenOnPath(server: NetServer, path: string): Promise<void> {
    return this.#servers.has(path) ? this.#takeOver(server, path, { path }) : listenOnSocket(server, path);
  }

  async #takeOver(server: NetServer, place: string, unheld: ListenOptions): Promise<void> {
    const held = this.#servers.get(place);
    this.#servers.delete(place);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      const listening = () => {
        server.off('error', reject);
        resolve();
      };
      // Node.js takes over the handle with its queue of connections; `held` answers those that it accepted already.
      if (held) server.listen(held.server, listening);
      else server.listen(unheld, listening);
    });
    held?.forget();
  }

  /** The held socket, now owned by the caller; null if none is held. */
  takeUdp(address: string, port: number): Socket | null {
    const place = placeOf({ protocol: 'udp', address, port });
    const held = this.#sockets.get(place) ?? null;
    this.#sockets.delete(place);
    return held;
  }

  /**
   * Releases all ports that no listener took over: who has connected by then is answered.
   * @param trouble as of `refuseConnections`
   */
  async release(trouble: Trouble): Promise<void> {
    const held = [...this.#servers.values()];
    await Promise.all(held.map(({ server }) => refuseConnections(server, trouble)));
    this.#close();
  }

  #close(): void {
    for (const { server } of this.#servers.values()) server.close();
    for (const socket of this.#sockets.values()) socket.close();
    this.#servers.clear();
    this.#sockets.clear();
  }
}

/** Answers that the service is starting, in a form that every client of ours understands. */
const tooEarly = contained(
  'a port that is held',
  (request: IncomingMessage, response: ServerResponse) => {
    request.resume();
    const text = 'The service is starting. Please try again.';
    // No Retry-After: Debian's ironicclient fails on a 503 that has one, instead of asking again.
    response.writeHead(503, { 'content-type': 'application/json', connection: 'close' });
    response.end(
      JSON.stringify({ error_message: JSON.stringify({ faultcode: 'Server', faultstring: text }) }),
    );
  },
  (_error, [request]) => request.destroy(),
);

function stub(): Server {
  const server = createServer({ maxHeaderSize: 16 * 1024 }, tooEarly);
  server.maxConnections = 256;
  server.setTimeout(10_000);
  return server;
}

async function holdTcp({ address: host, port }: WantedPort): Promise<{ server: Server; forget: () => void }> {
  const server = stub();
  const forget = registerListener(server, null);
  server.listen({ host, port, exclusive: true });
  await once(server, 'listening');
  return { server, forget };
}

async function holdUdp({ address, port }: WantedPort): Promise<Socket> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  try {
    socket.bind({ address, port, exclusive: true });
    await once(socket, 'listening');
  } catch (error) {
    socket.close();
    throw error;
  }
  return socket;
}

async function reason(
  { code, message }: NodeJS.ErrnoException,
  { protocol, port }: WantedPort,
  held: readonly WantedPort[],
): Promise<string> {
  const own = held.find((other) => other.protocol === protocol && other.port === port);
  switch (code) {
    case 'EADDRINUSE':
      if (own) return `is that of ${own.key} too: each listener needs a port of its own`;
      return `is in use by ${await holderInWords(protocol, port)}`;
    case 'EADDRNOTAVAIL':
      return 'is no address of this machine';
    case 'EACCES':
      return 'may not be bound by this account: ports below 1024 need root or CAP_NET_BIND_SERVICE';
    default:
      return message;
  }
}
