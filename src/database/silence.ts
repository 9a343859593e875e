import type { Client } from 'pg';
import { contained } from '../platform/boundary.js';

/** Looks at a connection in the time that it may be silent. */
const LOOKS = 4;

/** Of pg's client: what its types leave out (lib/client.js). */
interface Watched {
  readonly _activeQuery: unknown;
  readonly _queryQueue: readonly unknown[];
  readonly connection: { readonly stream: { readonly bytesRead: number; destroy(error: Error): void } };
  readonly host: string;
  readonly port: number;
}

/**
 * Cuts a connection that was asked something and sends nothing: one that lost its other end hears of it from the kernel
 * after a quarter of an hour, or never. Node.js has no TCP_USER_TIMEOUT; this one counts in bytes that arrive.
 */
export class SilenceWatch {
  static readonly #all = new Set<SilenceWatch>();
  readonly #client: Watched;
  #timer: NodeJS.Timeout | null = null;
  #bytes = 0;
  /** ms, monotonic. */
  #heard = performance.now();
  /** Statements that take as long as they take, while a migration runs. */
  isPatient = false;

  /** @param most ms of silence */
  constructor(
    client: Client,
    private readonly most: number,
  ) {
    this.#client = client as unknown as Watched;
    SilenceWatch.#all.add(this);
    client.once(
      'end',
      contained('database: connection', () => this.#end()),
    );
  }

  /** Something was asked. */
  start(): void {
    if (this.#timer) return;
    this.#listen();
    this.#heard = performance.now();
    const look = contained('database: silence', () => this.#look());
    this.#timer = setInterval(look, this.most / LOOKS).unref();
  }

  #look(): void {
    this.#listen();
    const { _activeQuery, _queryQueue } = this.#client;
    if (!_activeQuery && _queryQueue.length === 0) this.#stop();
    else if (!this.isPatient && performance.now() - this.#heard >= this.most) this.#cut();
  }

  /** What stands idle beside it since before that question has gone the same way: nobody is to find that out one by one. */
  #cut(): void {
    const since = this.#heard;
    const { host, port } = this.#client;
    for (const other of SilenceWatch.#all) {
      other.#listen();
      const same = other.#client.host === host && other.#client.port === port;
      if (other !== this && (!same || other.#timer || other.#heard > since)) continue;
      other.#stop();
      other.#client.connection.stream.destroy(new Error('the connection is silent'));
    }
  }

  #listen(): void {
    const { bytesRead } = this.#client.connection.stream;
    if (bytesRead === this.#bytes) return;
    this.#bytes = bytesRead;
    this.#heard = performance.now();
  }

  #stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  #end(): void {
    this.#stop();
    SilenceWatch.#all.delete(this);
  }
}
