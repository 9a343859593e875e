import type { ApiRequest, Asked } from '../request/asked.js';
import { type Arguments, type ParameterTable, readQuery } from '../request/query.js';
import {
  nextPage,
  PAGING,
  type PageAsked,
  pageOf,
  repeatable,
  SELECTING,
  selectionOf,
} from './collection.js';
import { checkSortKey, type Field, type Reading, type Selection, type View, viewOf } from './field.js';

/** The parameters of a listing: its filters and the common ones; a filter table may replace `marker`. */
export function listingOf<Filters extends ParameterTable>(filters: Filters) {
  return { ...filters, ...PAGING, ...SELECTING, ...filters };
}

/** The same where the path asks for all fields (`…/detail`): `fields` and `detail` are then not parameters. */
export function detailListingOf<Filters extends ParameterTable>(filters: Filters) {
  return { ...filters, ...PAGING, ...filters };
}

type Given<Filters extends ParameterTable> = Arguments<ReturnType<typeof listingOf<Filters>>>;

/** One request for a listing, parsed. */
export interface Listing<Row, Filters extends ParameterTable, Context extends Reading = Reading> {
  readonly asked: Asked;
  readonly given: Given<Filters>;
  readonly page: PageAsked;
  readonly selection: Selection;
  readonly view: View<Row, Context>;
  /** Columns to read of each row. */
  readonly columns: readonly string[];
  /** The query without its paging, for `next`. */
  readonly repeated: Readonly<Record<string, string>>;
}

/**
 * Reads the query of a listing.
 * @param of.select a rule for `fields` and `detail` other than the usual
 * @param whole the path asks for all fields (`…/detail`): `fields` and `detail` are then not parameters
 * @throws InvalidError, FerricError not-acceptable
 */
export function readListing<
  Row extends { uuid: string },
  Filters extends ParameterTable,
  Context extends Reading = Reading,
>(
  { asked, query }: ApiRequest,
  of: { fields: readonly Field<Row, Context>[]; filters: Filters; select?: typeof selectionOf },
  maxLimit: number,
  whole = false,
): Listing<Row, Filters, Context> {
  const { version } = asked;
  const table = whole ? detailListingOf(of.filters) : listingOf(of.filters);
  const given = readQuery(query, table, version) as Given<Filters>;
  const plain = given as Arguments<typeof PAGING & typeof SELECTING>;
  const selection = whole ? 'whole' : (of.select ?? selectionOf)(plain, version);
  const page = pageOf(plain, maxLimit);
  checkSortKey(of.fields, version, page.sort_key);
  const view = viewOf(of.fields, version, selection);
  const columns = [...new Set([...view.columns, 'uuid'])];
  return { asked, given, page, selection, view, columns, repeated: repeatable(query) };
}

/**
 * The answer of a listing: the rows shown, and the address of the page after a full one.
 * @param collection key of the list in the answer
 * @param path for `next`, without `/v1/`
 * @param reading the context of the fields, when it is more than the request
 */
export function answerListing<
  Row extends { uuid: string },
  Filters extends ParameterTable,
  Context extends Reading = Reading,
>(
  collection: string,
  path: string,
  listing: Listing<Row, Filters, Context>,
  rows: readonly Row[],
  ...[reading]: Reading extends Context ? [] | [Context] : [Context]
): Record<string, unknown> {
  const { asked, view } = listing;
  const shown = rows.map((row) => view.show(row, reading ?? (asked as Reading as Context)));
  const next = nextOf(path, listing, shown.length, rows.at(-1)?.uuid);
  return next === null ? { [collection]: shown } : { [collection]: shown, next };
}

type Paged = Pick<Listing<never, never>, 'asked' | 'page' | 'repeated'>;

/** @returns the address of the page after a full one. @param last marker of the last row */
export function nextOf(
  path: string,
  { asked, page, repeated }: Paged,
  length: number,
  last: string | undefined,
): string | null {
  if (last === undefined || length < page.limit) return null;
  return nextPage(asked.base, path, page, repeated, last);
}
