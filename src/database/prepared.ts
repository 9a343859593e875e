import { Client, type ClientConfig, type QueryResult } from 'pg';
import { contained, detached } from '../platform/boundary.js';
import { isOutOfDate } from './fault.js';
import { type Columns, NamedQuery } from './named-query.js';
import { metered } from './query-meter.js';
import { SilenceWatch } from './silence.js';
import { StatementNames } from './statement-names.js';

/** ms to open a connection; waiting for a free one is not included. */
const CONNECT = 10_000;
/** Default ms that a statement may take. */
const STATEMENT = 15_000;
/** How long a connection may be silent, ms: longer than a statement may take, since the server reports its timeout. */
export function silenceOf(statementTimeout: number): number {
  return Math.round((statementTimeout * 4) / 3);
}

/** Parts of pg's client that its types omit (lib/client.js). */
interface Ends {
  readonly _queryable: boolean;
  readonly _ending: boolean;
  readonly _ended: boolean;
}

type Send = (...given: unknown[]) => Promise<QueryResult>;

/** The pool passes its options to each client. */
interface PreparingConfig extends ClientConfig {
  /** Shared by the clients of a pool; default: names of its own. */
  readonly statementNames?: StatementNames;
}

/** The pool's client. TypeORM sends a query as text with values, without a name; this client adds names. */
export class PreparingClient extends Client {
  readonly names: StatementNames;
  readonly #columns = new Map<string, Columns>();
  readonly #silence: SilenceWatch;

  constructor({ statementNames = new StatementNames(), ...config }: PreparingConfig) {
    super({ ...config, connectionTimeoutMillis: CONNECT });
    this.names = statementNames;
    const { statement_timeout } = config;
    this.#silence = new SilenceWatch(this, silenceOf(statement_timeout || STATEMENT));
    const hear = this.#hear.bind(this);
    this.on(
      'notice',
      contained('database: notice', hear, (_error, [notice]) => hear(notice)),
    );
  }

  /**
   * A wait for a synchronous standby that was cancelled (a statement timeout, a shutdown): the server reports success
   * with a warning, "already committed locally, but might not have been replicated". A promoted standby may lack that
   * commit, so it counts as one whose outcome is unknown. (PostgreSQL: src/backend/replication/syncrep.c)
   */
  #hear({ routine }: { routine?: string | undefined }): void {
    if (routine !== 'SyncRepWaitForLSN') return;
    // Before the report of success, which may be in the same packet.
    this.cut(new Error('the commit was not confirmed by the synchronous standby'));
  }

  /** Closes the connection; queries under way fail with this error, even where their result has arrived with it. */
  cut(error: Error): void {
    const { connection } = this as unknown as {
      connection: { emit(event: 'error', error: Error): void; stream: { destroy(): void } };
    };
    connection.emit('error', error);
    connection.stream.destroy();
  }

  /** Lifts the time limit of statements. */
  set isPatient(is: boolean) {
    this.#silence.isPatient = is;
  }

  /** Whether the connection can take no more queries, whoever ended it. */
  get isLost(): boolean {
    const { _queryable, _ending, _ended } = this as unknown as Ends;
    return !_queryable || _ending || _ended;
  }

  /** `never` matches all overloads of the overridden method. */
  override query(...given: unknown[]): never {
    this.#silence.start();
    const [text, values] = given;
    const plain =
      given.length === 2 && typeof text === 'string' && Array.isArray(values) && values.length > 0;
    const name = plain ? this.names.of(text) : undefined;
    if (name !== undefined)
      return metered(text, this.#named(name, text as string, values as unknown[])) as never;
    const sent: unknown = (super.query as Send).apply(this, given);
    // A query with a callback or of a class of its own returns no promise.
    return (sent instanceof Promise ? metered(text, sent) : sent) as never;
  }

  async #named(name: string, text: string, values: unknown[]): Promise<QueryResult> {
    try {
      return await new Promise<QueryResult>((resolve, reject) => {
        const done = (error: unknown, result?: QueryResult) =>
          result ? resolve(result) : reject(error as Error);
        super.query(new NamedQuery(name, text, values, this.#columns, done));
      });
    } catch (error) {
      if (isOutOfDate(error)) detached('database: connection out of date', this.end());
      // The original stack shows how the answer arrived; the new one shows the caller.
      if (error instanceof Error) Error.captureStackTrace(error);
      throw error;
    }
  }
}
