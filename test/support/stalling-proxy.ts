import { connect, createServer, type Server, type Socket } from 'node:net';

/** A way to PostgreSQL on which connections can go silent, as behind a firewall that has forgotten them. */
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

  /** From now on nothing goes through the connections that there are, and nobody hears of it. New ones are well. */
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
