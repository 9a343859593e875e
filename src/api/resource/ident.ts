import { InvalidError } from '../../domain/errors.js';
import { canonicalUuid, isLogicalName } from '../../domain/node/name.js';
import type { Asked } from '../request/asked.js';
import type { ParameterTable } from '../request/query.js';
import { shorten } from '../request/value.js';

interface Findable<Row> {
  find(ident: string): Promise<Row | null>;
  get(ident: string): Promise<Row>;
}

/**
 * The record that a path names by uuid or name; a name may end in a `.json` that was dropped as a suffix.
 * @throws InvalidError for a text that can be neither, NotFoundError
 */
export async function findNamed<Row>(rows: Findable<Row>, ident: string, asked: Asked): Promise<Row> {
  const uuid = canonicalUuid(ident);
  if (uuid !== null) return rows.get(uuid);
  if (!isLogicalName(ident)) {
    throw new InvalidError(`Expected a logical name or UUID but received ${shorten(ident)}.`);
  }
  const row = await rows.find(ident);
  if (row) return row;
  return rows.get(asked.jsonSuffix ? `${ident}.json` : ident);
}

/** The marker of a listing whose records have names: a uuid or a name. */
export const namedMarker = {
  marker: { read: name, about: 'Last item of the page before' },
} as const satisfies ParameterTable;

function name(parameter: string, text: string): string {
  const uuid = canonicalUuid(text);
  if (uuid === null && !isLogicalName(text)) {
    throw new InvalidError(`Expected name for ${parameter}: ${shorten(text)}`);
  }
  return uuid ?? text;
}
