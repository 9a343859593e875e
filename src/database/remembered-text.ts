import type { DataSource } from 'typeorm';
import { eachRow } from './each-row.js';
import { groupTexts, Parameters, quote, selectList, type TextGroup, textList } from './statement.js';

/** Most listings whose texts are kept; the least recently used is dropped first. */
const LISTINGS = 8;
/** Version of a row; see `RememberedTexts`. */
const VERSION = `(id || ' ' || xmin || ' ' || ctid)`;
/** Most characters kept of all listings. */
const MOST = 48 * 2 ** 20;
/** Number of text columns from which on remembering is cheaper than generating again. */
const WORTHWHILE = 12;

/** What a listing reads: plain columns, and groups of columns that are generated as one text each (`textList`). */
export interface TextColumns {
  readonly columns: readonly string[];
  readonly groups: readonly TextGroup[];
}

interface Listing {
  /** By row version. */
  texts: ReadonlyMap<string, readonly string[]>;
  size: number;
}

type Named = Record<string, string | null>;

/**
 * Speeds up listings that are repeated: the query carries the versions of rows whose texts are known, and the database
 * generates and sends only the others. Each answer is one query, consistent at its moment, whatever is remembered. A
 * row version is the id with `xmin` and `ctid` (PostgreSQL, 5.6 System Columns): every change of a row changes it.
 */
export class RememberedTexts {
  readonly #listings = new Map<string, Listing>();
  #size = 0;

  constructor(
    private readonly source: DataSource,
    private readonly table: string,
    /** Reads rows; replaced by tests that count what the database sends. */
    private readonly read: typeof eachRow = eachRow,
  ) {}

  /**
   * @param rest the statement from `where` on, with its parameters
   * @param take must not keep more of a row than it needs; groups are `text_0` and so on
   */
  async each<Row>(
    what: TextColumns,
    [rest, values]: [string, unknown[]],
    take: (row: Row) => void,
  ): Promise<void> {
    const columns = selectList(what.columns);
    const from = `from ${quote(this.table)} ${rest}`;
    if (what.groups.reduce((sum, group) => sum + Object.keys(group).length, 0) < WORTHWHILE) {
      return this.read(
        this.source,
        `select ${[columns, ...textList(this.table, what.groups)].join(', ')} ${from}`,
        values,
        take,
      );
    }
    const groups = groupTexts(this.table, what.groups);
    const key = JSON.stringify([columns, groups, rest, values]);
    const known = this.#listings.get(key)?.texts ?? new Map<string, string[]>();
    const parameters = new Parameters(values);
    // A JSON object, because a key lookup in one is a binary search.
    const versions = parameters.add(
      JSON.stringify(Object.fromEntries(Array.from(known.keys(), (one) => [one, 0]))),
    );
    const fresh = `case when not jsonb_exists(${versions}::jsonb, ${VERSION}) then concat_ws('\u001e', ${groups.join(', ')}) end as fresh`;
    const text = `select ${[columns, `${VERSION} as row_version`, fresh].join(', ')} ${from}`;
    const now = new Map<string, readonly string[]>();
    let size = 0;
    await this.read<Row & Named>(this.source, text, parameters.values, (row) => {
      const version = row['row_version']!;
      const texts = row['fresh']?.split('\u001e') ?? known.get(version)!;
      for (const [index, one] of texts.entries()) {
        (row as Named)[`text_${index}`] = one;
        size += one.length;
      }
      now.set(version, texts);
      take(row);
    });
    this.#remember(key, { texts: now, size });
  }

  #remember(key: string, listing: Listing): void {
    this.#forget(key);
    if (listing.size > MOST) return;
    this.#listings.set(key, listing);
    this.#size += listing.size;
    for (const oldest of this.#listings.keys()) {
      if (this.#listings.size <= LISTINGS && this.#size <= MOST) break;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    this.#size -= this.#listings.get(key)?.size ?? 0;
    this.#listings.delete(key);
  }
}
