import type { QueryConfig } from 'pg';

/**
 * Uses of a text after which it is prepared: the server need not keep a statement that occurs once or always differs.
 */
const REPEATED = 3;
/**
 * Most named texts; a prepared statement with 70 columns takes some 50 KiB of the server's memory for each connection.
 */
const MOST = 200;
/** Most texts whose uses are counted. */
const COUNTED = 2_000;
/**
 * Seconds after which a connection is closed once it is free, and an unused name may pass to another text. Names
 * therefore need no DEALLOCATE: in its life a connection prepares at most 2 * MOST statements.
 */
export const CONNECTION_LIFE = 600;

interface Named {
  readonly name: string;
  /** Last use: ms, monotonic. */
  used: number;
}

/** The names of prepared statements, for all connections of a pool. */
export class StatementNames {
  readonly #names = new Map<string, Named>();
  readonly #uses = new Map<string, number>();
  #given = 0;

  /** A query for pg: named once its text repeats, so that the server parses and plans it only once. */
  prepared(text: string, values: unknown[]): QueryConfig<unknown[]> {
    const name = this.of(text);
    return name === undefined ? { text, values } : { name, text, values };
  }

  /** @returns undefined for a text that has no name yet, or while all names are in use */
  of(text: string): string | undefined {
    const now = performance.now();
    const known = this.#names.get(text);
    if (known) {
      known.used = now;
      return known.name;
    }
    const count = (this.#uses.get(text) ?? 0) + 1;
    if (count < REPEATED) {
      if (this.#uses.size === COUNTED) this.#uses.clear();
      this.#uses.set(text, count);
      return undefined;
    }
    if (this.#names.size === MOST && !this.#forgetOne(now)) return undefined;
    this.#uses.delete(text);
    // Numbers are not reused: a connection may have prepared another text under an old name.
    const name = `ferric_${this.#given++}`;
    this.#names.set(text, { name, used: now });
    return name;
  }

  /** Frees the name of the least recently used text, if that was long enough ago. */
  #forgetOne(now: number): boolean {
    let [oldest, since] = ['', Number.POSITIVE_INFINITY];
    for (const [text, { used }] of this.#names) if (used < since) [oldest, since] = [text, used];
    return now - since > CONNECTION_LIFE * 1000 && this.#names.delete(oldest);
  }
}
