import { connect, createServer, type Server, type Socket } from 'node:net';
import { openDatabase } from '../../src/database/data-source.js';
import { ENTITIES } from '../../src/persistence/resources.js';
import type { TestDatabase } from './database.js';
import { silentLog } from './database.js';

/**
 * @param text statement that is about to be sent
 * @param before statements before it in the same transaction, oldest first
 */
export type Loses = (text: string, before: readonly string[]) => boolean;

interface Message {
  type: string;
  body: Buffer;
}

/** Splits a stream of PostgreSQL's protocol into messages; a client's first one has no type. */
class Messages {
  #rest = Buffer.alloc(0);

  constructor(private typed: boolean) {}

  *take(chunk: Buffer): Generator<Message> {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const at = this.typed ? 1 : 0;
      if (this.#rest.length < at + 4) return;
      const end = at + this.#rest.readUInt32BE(at);
      if (this.#rest.length < end) return;
      yield {
        type: this.typed ? String.fromCharCode(this.#rest[0]!) : '',
        body: this.#rest.subarray(at + 4, end),
      };
      this.typed = true;
      this.#rest = this.#rest.subarray(end);
    }
  }
}

const texts = (body: Buffer): string[] => body.toString('latin1').split('\0');

/**
 * A proxy between a conductor and its database. On request, it drops the response to a statement and the connection,
 * once the server has committed.
 */
export class LosingProxy {
  /** Condition of the next loss; reset after it. */
  loses: Loses | null = null;
  lost = 0;
  /** Called at a loss: what the server has committed, nobody has heard of yet. */
  onLoss: () => void = () => undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(private readonly database: TestDatabase) {
    this.#server = createServer((client) => this.#carry(client));
  }

  /** @returns a URL of the same database through the proxy */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const { port } = this.#server.address() as { port: number };
    const { username, database } = this.database.connection;
    return `postgresql://${username}@127.0.0.1:${port}/${database}`;
  }

  /** @returns a connection to the same database through the proxy */
  async open() {
    await this.listen();
    const { port } = this.#server.address() as { port: number };
    const { username, database } = this.database.connection;
    return openDatabase({
      connection: { host: '127.0.0.1', port, username, database },
      entities: ENTITIES,
      poolSize: 5,
      log: silentLog,
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #carry(client: Socket): void {
    const { host, port } = this.database.connection;
    const server = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
    const end = () => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', end).on('close', () => {
        this.#sockets.delete(socket);
        end();
      });
    }
    const sent = new Messages(false);
    const answered = new Messages(true);
    const named = new Map<string, string>();
    let transaction: string[] = [];
    let losing = false;
    const see = (text: string) => {
      if (/^(start transaction|begin)/i.test(text)) transaction = [];
      if (this.loses?.(text, transaction)) {
        losing = true;
        this.loses = null;
      }
      transaction.push(text);
    };
    client.on('data', (chunk) => {
      for (const { type, body } of sent.take(chunk)) {
        const [first, second] = texts(body);
        if (type === 'P') named.set(first!, second!);
        else if (type === 'B') see(named.get(second!) ?? '');
        else if (type === 'Q') see(first!);
      }
      server.write(chunk);
    });
    server.on('data', (chunk) => {
      // ReadyForQuery: the statement has been committed.
      for (const { type } of answered.take(chunk)) {
        if (!losing || type !== 'Z') continue;
        this.lost++;
        this.onLoss();
        end();
        return;
      }
      if (!losing) client.write(chunk);
    });
  }
}
