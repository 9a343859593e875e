import type { Client } from 'pg';
import { contained } from '../platform/boundary.js';

/** Checks of a connection within the time that it may be silent. */
const LOOKS = 4;

/** Parts of pg's client that its types omit (lib/client.js). */
interface Watched {
  readonly _activeQuery: unknown;
  readonly _queryQueue: readonly unknown[];
  readonly connection: { readonly stream: { readonly bytesRead: number; destroy(error: Error): void } };
  readonly host: string;
  readonly port: number;
}

/**
 * Closes a connection that has a query open and receives nothing: the kernel reports a lost peer after a quarter of an
 * hour, or never. Node.js has no TCP_USER_TIMEOUT; this watch counts received bytes.
 */
export class SilenceWatch {
  static readonly #all = new Set<SilenceWatch>();
  readonly #client: Watched;
  #timer: NodeJS.Timeout | null = null;
  #bytes = 0;
  /** When bytes last arrived: ms, monotonic. */
  #heard = performance.now();
  /** Set during a migration, whose statements have no time limit. */
  isPatient = false;

  /** @param most ms of silence */
  constructor(
    client: Client,
    private readonly most: number,
  ) {
    this.#client = client as unknown as Watched;
    SilenceWatch.#all.add(this);
    const ended = () => this.#end();
    client.once('end', contained('database: connection', ended, ended));
  }

  /** A query was sent. */
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

  /** Also closes connections to the same server that have been idle since before that query: they are lost, too. */
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
