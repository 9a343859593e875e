// The query of an image listing. glance/api/v2/images.py and glance/db/sqlalchemy/api.py.
import { InvalidError } from '../../../domain/errors.js';
import type { MemberStatus, Visibility } from '../../../persistence/image-record/image-record.entity.js';
import {
  IMAGE_SORT_KEYS,
  type ImageCondition,
  type ImageQuery,
  type ImageSortKey,
} from '../../../persistence/image-record/list-statement.js';
import type { Query } from '../../request/asked.js';
import { refuseText } from '../../request/body.js';
import { VISIBILITIES } from './attribute.js';

const OPERATORS = { eq: '=', neq: '<>', gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;
/** Filters that accept `in:a,b` beside a single value. */
const NAMED = ['name', 'id', 'status', 'container_format', 'disk_format'];
const PLAIN = ['checksum', 'os_hash_value', 'os_hash_algo', 'owner'];
const NUMBERS = ['min_ram', 'min_disk', 'size'];

export interface ListLimits {
  standard: number;
  most: number;
}

/** @throws InvalidError naming the wrong parameter */
export function readImageQuery(
  query: Query,
  limits: ListLimits,
): Omit<ImageQuery, 'viewer'> & { memberStatus: MemberStatus | 'all' } {
  const conditions: ImageCondition[] = [];
  const properties: Record<string, string> = {};
  const all = (name: string) => [query[name] ?? []].flat() as string[];
  for (const [name, given] of Object.entries(query)) {
    const value = ([given].flat() as string[]).at(-1)!;
    refuseText(value, name);
    refuseText(name, 'a parameter');
    if (READ_APART.includes(name)) continue;
    if (name === 'changes-since')
      throw new InvalidError('The "changes-since" filter is no longer available on v2.');
    const found = conditionOf(name, value);
    if (found) conditions.push(found);
    else properties[name] = value;
  }
  const hidden = (all('os_hidden').at(-1) ?? 'false').toLowerCase();
  conditions.push({ column: 'os_hidden', operator: '=', value: flag('os_hidden', hidden) });
  const visibility = all('visibility').at(-1);
  if (visibility !== undefined && visibility !== 'all' && !VISIBILITIES.includes(visibility))
    throw new InvalidError(`Invalid visibility value: ${visibility}`);
  const memberStatus = all('member_status').at(-1) ?? 'accepted';
  if (!['pending', 'accepted', 'rejected', 'all'].includes(memberStatus))
    throw new InvalidError(`Invalid status: ${memberStatus}`);
  const marker = all('marker').at(-1);
  return {
    ...(visibility === undefined ? {} : { visibility: visibility as Visibility | 'all' }),
    memberStatus: memberStatus as MemberStatus | 'all',
    conditions,
    tags: all('tag').map((tag) => tag.trim()),
    properties,
    sort: sortOf(all),
    ...(marker === undefined ? {} : { marker }),
    limit: limitOf(all('limit').at(-1), limits),
  };
}

const READ_APART = [
  'limit',
  'marker',
  'sort',
  'sort_key',
  'sort_dir',
  'tag',
  'member_status',
  'visibility',
  'os_hidden',
  // Deleted images cannot be listed, by anyone.
  'deleted',
];

function conditionOf(name: string, value: string): ImageCondition | null {
  const column = name === 'id' ? 'uuid' : name;
  if (name === 'protected') return { column, operator: '=', value: flag(name, value) };
  if (NAMED.includes(name)) {
    const [, operator, rest = ''] = /^(in|eq|neq|gt|gte|lt|lte):([\s\S]*)$/.exec(value) ?? [
      null,
      'eq',
      value,
    ];
    if (operator === 'in') return { column, any: quotedList(rest) };
    if (operator !== 'eq') throw new InvalidError(`Unable to filter by unknown operator '${operator}'.`);
    return { column, any: [rest] };
  }
  if (PLAIN.includes(name)) return { column, any: [value] };
  if (name === 'created_at' || name === 'updated_at') return timeCondition(name, value);
  const [, base = name, end] = /^(.*)_(min|max)$/.exec(name) ?? [];
  if (NUMBERS.includes(base)) {
    if (!/^-?\d{1,18}$/.test(value))
      throw new InvalidError('Unable to filter on a range with a non-numeric value.');
    return { column: base, operator: end === 'min' ? '>=' : end === 'max' ? '<=' : '=', value };
  }
  return null;
}

function timeCondition(name: string, value: string): ImageCondition {
  const [, operator, rest] = /^(eq|neq|gt|gte|lt|lte):(.*)$/.exec(value) ?? [null, 'eq', value];
  if (/^[a-z]+:/.test(rest!)) throw new InvalidError('Unable to filter on a unknown operator.');
  const iso = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/.test(rest!);
  const time = new Date(/(Z|[+-]\d{2}:?\d{2})$/.test(rest!) ? rest! : `${rest}Z`);
  if (!iso || Number.isNaN(time.getTime()))
    throw new InvalidError(`Bad "${name}" query filter format. Use ISO 8601 DateTime notation.`);
  return { column: name, operator: OPERATORS[operator as keyof typeof OPERATORS], value: time };
}

/** `a,"b,c"` (glance/common/utils.py, split_filter_value_for_quotes). */
function quotedList(text: string): string[] {
  const parts: string[] = [];
  for (let rest = text; ; ) {
    const [whole, quoted, plain] = /^(?:"((?:[^"\\]|\\.)*)"|([^",]*))(?:,|$)/.exec(rest) ?? [];
    if (whole === undefined) throw new InvalidError(`Invalid filter value ${text}. The quote is not closed.`);
    parts.push(quoted === undefined ? plain! : quoted.replaceAll(/\\(.)/g, '$1'));
    rest = rest.slice(whole.length);
    if (rest === '') return parts;
  }
}

function flag(name: string, value: string): boolean {
  if (value === 'true' || value === 'false') return value === 'true';
  throw new InvalidError(
    `Invalid value '${value}' for '${name}' filter. Valid values are 'true' or 'false'.`,
  );
}

/** `sort=name:asc,size`, or sort_key and sort_dir, as often as there are keys. */
function sortOf(all: (name: string) => string[]): ImageQuery['sort'] {
  const [combined] = all('sort');
  const [keys, directions] = [all('sort_key'), all('sort_dir')];
  if (combined !== undefined) {
    if (keys.length > 0 || directions.length > 0)
      throw new InvalidError('Old and new sorting syntax cannot be combined');
    return combined.split(',').map((one) => {
      const [key, direction = ''] = one.split(':');
      return { key: sortKey(key!.trim()), direction: sortDirection(direction.trim() || 'desc') };
    });
  }
  const read = keys.map((key) => sortKey(key.trim()));
  const ways = directions.map((one) => sortDirection(one.trim()));
  if (ways.length > 1 && ways.length !== read.length)
    throw new InvalidError('Number of sort dirs does not match the number of sort keys');
  const list = read.length === 0 ? (['created_at'] as const) : read;
  return list.map((key, index) => ({ key, direction: ways[index] ?? ways[0] ?? 'desc' }));
}

function sortKey(text: string): ImageSortKey {
  const key = IMAGE_SORT_KEYS.find((one) => one === text);
  if (key) return key;
  throw new InvalidError(
    `Invalid sort key: ${text}. It must be one of the following: ${IMAGE_SORT_KEYS.join(', ')}.`,
  );
}

function sortDirection(text: string): 'asc' | 'desc' {
  if (text === 'asc' || text === 'desc') return text;
  throw new InvalidError(`Invalid sort direction: ${text}`);
}

function limitOf(text: string | undefined, { standard, most }: ListLimits): number {
  if (text === undefined) return standard;
  if (!/^[+-]?\d{1,9}$/.test(text.trim())) throw new InvalidError('limit param must be an integer');
  const limit = Number(text);
  if (limit < 0) throw new InvalidError('limit param must be positive');
  return Math.min(limit, most);
}
