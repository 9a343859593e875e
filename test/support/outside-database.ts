import { connect, createServer, type Server, type Socket } from 'node:net';
import { startTestDatabase, type TestDatabase } from './database.js';

/** A PostgreSQL that daemons reach over TCP by a URL, and that can go away from them. */
export class OutsideDatabase {
  #server: Server | null = null;
  readonly #sockets = new Set<Socket>();
  #port = 0;

  private constructor(readonly database: TestDatabase) {}

  static async start(): Promise<OutsideDatabase> {
    const outside = new OutsideDatabase(await startTestDatabase());
    await outside.comeBack();
    return outside;
  }

  /** Value of `database.url`. */
  get url(): string {
    const { username, database } = this.database.connection;
    return `postgresql://${username}@127.0.0.1:${this.#port}/${database}`;
  }

  /** Every connection is cut, and new ones are refused. */
  async goAway(): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async comeBack(): Promise<void> {
    const server = createServer((client) => this.#carry(client));
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as { port: number }).port;
    this.#server = server;
  }

  async stop(): Promise<void> {
    await this.goAway();
    await this.database.stop();
  }

  #carry(client: Socket): void {
    const { host, port } = this.database.connection;
    const server = connect(`${host}/.s.PGSQL.${port}`);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }
}
