import { Client, type ClientConfig, type QueryConfig, type QueryResult } from 'pg';
import { detached } from '../platform/boundary.js';
import { isOutOfDate } from './fault.js';
import { type Columns, NamedQuery } from './named-query.js';
import { SilenceWatch } from './silence.js';

/** Uses of a text from which on it is prepared: what comes once, or in ever new shapes, is not kept by the server. */
const REPEATED = 3;
/** Texts with a name; what a connection holds of one with 70 columns takes the server some 50 KiB. */
const MOST = 200;
/** ms that a new connection may take; waiting for a free one is another matter. */
const CONNECT = 10_000;
/** ms that a statement may take, where nothing else is said. */
const STATEMENT = 15_000;
/** Texts that are being counted. */
const COUNTED = 2_000;
/**
 * Seconds after which a connection is closed as soon as it is free, and a name goes to another text if none had it for.
 * So names need not be taken back from connections (DEALLOCATE): in its life one comes to hold 2 * MOST statements at most.
 */
export const CONNECTION_LIFE = 600;

/** How long a connection may be silent: longer than a statement may take, of whose end the server tells. */
export function silenceOf(statementTimeout: number): number {
  return Math.round((statementTimeout * 4) / 3);
}

interface Named {
  readonly name: string;
  /** ms, monotonic. */
  used: number;
}

const names = new Map<string, Named>();
const uses = new Map<string, number>();
let given = 0;

/** As pg takes it: with a name once its text comes again and again, so that the server parses and plans it once. */
export function prepared(text: string, values: unknown[]): QueryConfig<unknown[]> {
  const name = nameOf(text);
  return name === undefined ? { text, values } : { name, text, values };
}

function nameOf(text: string): string | undefined {
  const now = performance.now();
  const known = names.get(text);
  if (known) {
    known.used = now;
    return known.name;
  }
  const count = (uses.get(text) ?? 0) + 1;
  if (count < REPEATED) {
    if (uses.size === COUNTED) uses.clear();
    uses.set(text, count);
    return undefined;
  }
  if (names.size === MOST && !forgetOne(now)) return undefined;
  uses.delete(text);
  // Of a number of its own: some connection may know the old ones by their texts.
  const name = `ferric_${given++}`;
  names.set(text, { name, used: now });
  return name;
}

/** Takes its name from the text that has not been used for longest, if that is long enough. */
function forgetOne(now: number): boolean {
  let [oldest, since] = ['', Number.POSITIVE_INFINITY];
  for (const [text, { used }] of names) if (used < since) [oldest, since] = [text, used];
  return now - since > CONNECTION_LIFE * 1000 && names.delete(oldest);
}

/** Of pg's client: what its types leave out (lib/client.js). */
interface Ends {
  readonly _queryable: boolean;
  readonly _ending: boolean;
  readonly _ended: boolean;
}

type Send = (...given: unknown[]) => Promise<QueryResult>;

/** The pool's client: TypeORM sends its queries as a text with values, and knows no names for them. */
export class PreparingClient extends Client {
  readonly #columns = new Map<string, Columns>();
  readonly #silence: SilenceWatch;

  constructor(config: ClientConfig) {
    super({ ...config, connectionTimeoutMillis: CONNECT });
    const { statement_timeout } = config;
    this.#silence = new SilenceWatch(this, silenceOf(statement_timeout || STATEMENT));
  }

  /** Whether a statement may take as long as it takes. */
  set isPatient(is: boolean) {
    this.#silence.isPatient = is;
  }

  /** Nothing can be asked of it any more, whoever ended it. */
  get isLost(): boolean {
    const { _queryable, _ending, _ended } = this as unknown as Ends;
    return !_queryable || _ending || _ended;
  }

  /** `never`: as many signatures as the method that it overrides. */
  override query(...given: unknown[]): never {
    this.#silence.start();
    const [text, values] = given;
    const plain =
      given.length === 2 && typeof text === 'string' && Array.isArray(values) && values.length > 0;
    const name = plain ? nameOf(text) : undefined;
    if (name === undefined) return (super.query as Send).apply(this, given) as never;
    return this.#named(name, text as string, values as unknown[]) as never;
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
      // What the stack shows is how the answer came in, not who asked.
      if (error instanceof Error) Error.captureStackTrace(error);
      throw error;
    }
  }
}
