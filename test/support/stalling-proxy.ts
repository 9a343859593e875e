import { connect, createServer, type Server, type Socket } from 'node:net';

/** A proxy to PostgreSQL whose connections can stall, as behind a firewall that has dropped its state. */
export class StallingProxy {
  readonly #pairs = new Set<[Socket, Socket]>();
  readonly #server: Server;

  /** @param path of the server's socket */
  constructor(path: string) {
    this.#server = createServer((near) => {
      const far = connect(path);
      const pair: [Socket, Socket] = [near, far];
      this.#pairs.add(pair);
      near.pipe(far);
      far.pipe(near);
      for (const [socket, other] of [pair, pair.toReversed() as typeof pair]) {
        socket.on('error', () => undefined);
        socket.on('close', () => {
          other.destroy();
          this.#pairs.delete(pair);
        });
      }
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as { port: number }).port;
  }

  /** Stalls all present connections without closing them; new ones work. @returns their number */
  stall(): number {
    for (const [near, far] of this.#pairs) {
      near.unpipe(far).pause();
      far.unpipe(near).pause();
    }
    return this.#pairs.size;
  }

  close(): void {
    this.#server.close();
    for (const [near, far] of this.#pairs) {
      near.destroy();
      far.destroy();
    }
  }
}
