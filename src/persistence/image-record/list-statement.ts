import type { Parameters } from '../../database/statement.js';
import { quote } from '../../database/statement.js';
import type { MemberStatus, Visibility } from './image-record.entity.js';

/** Columns to sort a listing by; nulls compare as an empty text, or as less than any size. */
const SORT = {
  name: `coalesce(name, '')`,
  status: 'status',
  container_format: `coalesce(container_format, '')`,
  disk_format: `coalesce(disk_format, '')`,
  size: 'coalesce(size, -1)',
  id: 'uuid',
  created_at: 'created_at',
  updated_at: 'updated_at',
} as const;
export type ImageSortKey = keyof typeof SORT;
export const IMAGE_SORT_KEYS = Object.keys(SORT) as ImageSortKey[];

/** One condition on a column: equal to one of several values, or compared with one. */
export type ImageCondition =
  | { column: string; any: readonly unknown[] }
  | { column: string; operator: '=' | '<>' | '<' | '<=' | '>' | '>='; value: unknown };

/** Which images a client may see. */
export interface ImageViewer {
  /** null: no project; then no image counts as its own or as shared with it. */
  project: string | null;
  /** An administrator sees every image. */
  all: boolean;
  /** Of the images shared with the project: only those with this member status. */
  memberStatus: MemberStatus | 'all';
}

export interface ImageQuery {
  viewer: ImageViewer;
  /** Undefined: all except community images of others. */
  visibility?: Visibility | 'all';
  conditions: readonly ImageCondition[];
  /** The image must have all of them. */
  tags: readonly string[];
  properties: Readonly<Record<string, string>>;
  sort: readonly { key: ImageSortKey; direction: 'asc' | 'desc' }[];
  marker?: string;
  limit: number;
}

/**
 * A listing as SQL, by the rules of glance/db/sqlalchemy/api.py. created_at and id end the sort, so the order is total.
 */
export function listStatement(query: ImageQuery, parameters: Parameters): string {
  const { marker, limit } = query;
  const sort = orderOf(query.sort);
  const where = [...seen(query, parameters), ...query.conditions.map((one) => condition(one, parameters))];
  for (const tag of query.tags) where.push(`tags @> ${parameters.add(JSON.stringify([tag]))}::jsonb`);
  for (const [key, value] of Object.entries(query.properties)) {
    where.push(`properties ->> ${parameters.add(key)} = ${parameters.add(value)}`);
  }
  const from =
    marker === undefined ? '' : `, (select * from image where uuid = ${parameters.add(marker)}) at`;
  if (marker !== undefined) where.push(behind(sort));
  const condition_ = where.length === 0 ? '' : `where ${where.join(' and ')}`;
  const order = sort.map(({ key, direction }) => `${qualified(SORT[key], 'image')} ${direction}`).join(', ');
  return `select image.* from image${from} ${condition_} order by ${order} limit ${parameters.add(limit)}`;
}

function orderOf(sort: ImageQuery['sort']): { key: ImageSortKey; direction: 'asc' | 'desc' }[] {
  const order = [...sort];
  const direction = sort.length === 1 ? sort[0]!.direction : 'desc';
  for (const key of ['created_at', 'id'] as const) {
    if (!order.some((one) => one.key === key)) order.push({ key, direction });
  }
  return order;
}

function seen({ viewer, visibility }: ImageQuery, parameters: Parameters): string[] {
  const { project, all, memberStatus } = viewer;
  const where: string[] = [];
  const own = project === null ? null : `image.owner = ${parameters.add(project)}`;
  if (!all) {
    const ways = [`image.visibility in ('public', 'community')`];
    if (own) {
      const status = memberStatus === 'all' ? '' : ` and m.status = ${parameters.add(memberStatus)}`;
      ways.push(own);
      ways.push(
        `(image.visibility = 'shared' and exists (select from image_member m where m.image_uuid = image.uuid and m.member = ${parameters.add(project)}${status}))`,
      );
    }
    where.push(`(${ways.join(' or ')})`);
  }
  if (visibility === undefined) {
    where.push(own ? `(image.visibility <> 'community' or ${own})` : `image.visibility <> 'community'`);
  } else if (visibility !== 'all') where.push(`image.visibility = ${parameters.add(visibility)}`);
  return where;
}

function condition(one: ImageCondition, parameters: Parameters): string {
  const column = `image.${quote(one.column)}`;
  if ('any' in one) return `${column}::text = any(${parameters.add(one.any)})`;
  return `${column} ${one.operator} ${parameters.add(one.value)}`;
}

/** Rows after the marker's: the first key that differs decides. */
function behind(sort: readonly { key: ImageSortKey; direction: 'asc' | 'desc' }[]): string {
  const steps = sort.map(({ key, direction }, index) => {
    const same = sort
      .slice(0, index)
      .map((before) => `${qualified(SORT[before.key], 'image')} = ${qualified(SORT[before.key], 'at')}`);
    const than = direction === 'asc' ? '>' : '<';
    return `(${[...same, `${qualified(SORT[key], 'image')} ${than} ${qualified(SORT[key], 'at')}`].join(' and ')})`;
  });
  return `(${steps.join(' or ')})`;
}

function qualified(expression: string, table: string): string {
  return expression.startsWith('coalesce(')
    ? expression.replace('coalesce(', `coalesce(${table}.`)
    : `${table}.${expression}`;
}
