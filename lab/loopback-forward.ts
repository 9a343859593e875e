import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { NamespaceDoor } from './network/namespace-door.js';

export interface ForwardOptions {
  door: NamespaceDoor;
  /** Path of the Unix socket between host and namespace; at most 100 octets. */
  path: string;
  /** Address on the host's loopback; port 0 takes a free one. */
  listen: { host?: string; port: number };
  /** Target inside the namespace. */
  to: { host: string; port: number };
}

/** Forwards a TCP port of the host's loopback into a namespace, such as to the daemon's API. */
export class LoopbackForward implements AsyncDisposable {
  readonly #connections = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly path: string,
  ) {
    server.on('connection', (outer: Socket) => {
      const inner = connect({ path, allowHalfOpen: true });
      for (const [socket, other] of [
        [outer, inner],
        [inner, outer],
      ] as const) {
        this.#connections.add(socket);
        socket.pipe(other);
        socket.on('error', () => other.destroy()); // each side sees a cut connection, as it would without the forward
        socket.on('close', () => {
          this.#connections.delete(socket);
          other.destroy();
        });
      }
    });
  }

  /** @throws Error when the port is taken */
  static async open({ door, path, listen, to }: ForwardOptions): Promise<LoopbackForward> {
    rmSync(path, { force: true });
    await door.forward(path, to.host, to.port);
    const server = createServer({ allowHalfOpen: true });
    server.listen(listen.port, listen.host ?? '127.0.0.1');
    await once(server, 'listening');
    return new LoopbackForward(server, path);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.#connections) socket.destroy();
    await closed;
    rmSync(this.path, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
