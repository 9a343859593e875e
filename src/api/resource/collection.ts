import { InvalidError } from '../../domain/errors.js';
import type { Microversion } from '../microversion/microversion.js';
import type { Query } from '../request/asked.js';
import type { Parameter } from '../request/query.js';
import { boolean, integer, stringList, text, uuid } from '../request/value.js';
import type { Selection } from './field.js';

/** Parameters that every listing has. */
export const PAGING = {
  limit: { read: integer, about: 'Most items of the answer' },
  marker: { read: uuid, about: 'Last item of the page before' },
  sort_key: { read: text, about: 'Field to sort by' },
  sort_dir: { read: text, about: 'asc or desc' },
} as const satisfies Record<string, Parameter>;

export const SELECTING = {
  fields: { since: 8, hidesVersion: true, read: stringList, about: 'Fields to show, comma-separated' },
  detail: { read: boolean, about: 'Show all fields' },
} as const satisfies Record<string, Parameter>;

export interface PageAsked {
  limit: number;
  marker?: string;
  sort_key: string;
  sort_dir: 'asc' | 'desc';
}

export function pageOf(
  given: { limit?: number; marker?: string; sort_key?: string; sort_dir?: string },
  maxLimit: number,
  sortKey = 'id',
): PageAsked {
  const { limit, marker, sort_key = sortKey, sort_dir = 'asc' } = given;
  if (limit !== undefined && limit <= 0) throw new InvalidError('Limit must be positive');
  if (sort_dir !== 'asc' && sort_dir !== 'desc') {
    throw new InvalidError(
      `Invalid sort direction: ${sort_dir.slice(0, 100)}. Acceptable values are 'asc' or 'desc'`,
    );
  }
  const page = { limit: Math.min(limit ?? maxLimit, maxLimit), sort_key, sort_dir } as const;
  return marker === undefined ? page : { ...page, marker };
}

/** The selection that `fields` and `detail` of a listing mean. */
export function selectionOf(
  given: { fields?: readonly string[]; detail?: boolean },
  version: Microversion,
): Selection {
  if (given.detail !== undefined && !version.does('detailQuery')) {
    throw new InvalidError(`Invalid query parameter ?detail=${given.detail ? 'True' : 'False'} received.`);
  }
  if (given.fields && given.detail) {
    throw new InvalidError('Can not specify ?detail=True and fields in the same request.');
  }
  return given.fields ?? (given.detail ? 'whole' : 'brief');
}

/** The parameters of a listing that `next` repeats: all but those of paging. */
export function repeatable(query: Query): Record<string, string> {
  const paging = Object.keys(PAGING);
  const kept = Object.entries(query).filter(([name]) => !paging.includes(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
}

/**
 * The address of the page after a full one.
 * @param query parameters to repeat, besides those of paging
 */
export function nextPage(
  base: string,
  path: string,
  { limit, sort_key, sort_dir }: Omit<PageAsked, 'sort_key'> & Partial<PageAsked>,
  query: Readonly<Record<string, string>>,
  marker: string,
): string {
  const parameters = new URLSearchParams({
    ...(sort_key === undefined ? {} : { sort_key }),
    sort_dir,
    ...query,
    limit: String(limit),
    marker,
  });
  return `${base}/v1/${path}?${parameters.toString().replaceAll('%2C', ',')}`;
}
