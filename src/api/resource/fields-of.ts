import type { z } from 'zod';
import type { Json } from '../../domain/json.js';
import { ANYTHING, LINKS, STRUCTURE, TIME } from '../openapi/json-schema.js';
import { type Field, type Reading, timestamp, type Writing } from './field.js';
import { linksText, linksTo } from './links.js';

/** How a client sets a field: by POST and PATCH, unless `where` differs. */
export function written<T, const E extends Json, const W extends Where = object>(
  schema: z.ZodType<T>,
  empty: E,
  where?: W,
): { write: Writing<Written<T, E>> & W } {
  return { write: { create: true, patch: true, ...where, schema, empty } as Writing<Written<T, E>> & W };
}

type Where = Partial<Pick<Writing, 'create' | 'patch' | 'required'>>;
/** The value in the record: null only where the schema takes null and nothing else stands for it. */
type Written<T, E> = null extends T ? Exclude<T, null> | (E extends null ? null : never) : T;

/** A row with its literal name and the type of its written value. */
type Named<F, N extends string, M> = F & { readonly name: N } & (M extends { readonly write: infer W }
    ? { readonly write: W }
    : unknown);

/** Makes rows of a field table, for one kind of record. */
export function fieldsOf<Row extends { uuid: string }, Context extends Reading = Reading>() {
  type Row_ = Field<Row, Context>;
  type Column = keyof Row & string;
  type More = Partial<Row_>;

  /** A column as it is. */
  const shown = <const N extends Column, M extends More>(
    name: N,
    since: number,
    more: M = {} as M,
  ): Named<Row_, N, M> => {
    const read: Row_['read'] = (row) => row[name];
    const form = more.read ? {} : { form: 'value' };
    return { name, since, columns: [name], read, ...form, sort: true, ...more } as Named<Row_, N, M>;
  };
  /** A column that cannot be sorted by. */
  const unsorted = <const N extends Column, M extends More>(
    name: N,
    since: number,
    more: M = {} as M,
  ): Named<Row_, N, M> => {
    const { sort, ...field } = shown(name, since, more);
    return field as unknown as Named<Row_, N, M>;
  };
  /** A column that holds JSON: it cannot be sorted by. */
  const json = <const N extends Column, M extends More>(
    name: N,
    since: number,
    more: M = {} as M,
  ): Named<Row_, N, M> => {
    const field: Row_ = unsorted(name, since, more.read ? more : { form: 'json', ...more });
    return (field.write ? field : { type: STRUCTURE, ...field }) as Named<Row_, N, M>;
  };
  const time = (name: Column, since: number, more: More = {}): Row_ => {
    const read: Row_['read'] = (row) => timestamp(row[name] as Date | null);
    return shown(name, since, { read, form: 'time', type: TIME, ...more });
  };
  /** A value computed from columns, or from the context. */
  const computed = <const N extends string, M extends More>(
    name: N,
    since: number,
    columns: readonly Column[],
    read: Row_['read'],
    more: M = {} as M,
  ): Named<Row_, N, M> =>
    ({ name, since, columns, read, ...(more.write ? {} : { type: ANYTHING }), ...more }) as Named<Row_, N, M>;
  /** The record's own links. @param collection first part of its path */
  const links = (collection: string, since: number): Row_ =>
    computed('links', since, ['uuid'], (row, { base }) => linksTo(base, `${collection}/${row.uuid}`), {
      text: (row, { base }) => linksText(base, `${collection}/${row.uuid}`),
      always: true,
      type: LINKS,
    });
  /** Links to the record's sub-resources. */
  const below = (collection: string, name: string, since: number, more: More = {}): Row_ =>
    computed(name, since, ['uuid'], (row, { base }) => linksTo(base, `${collection}/${row.uuid}/${name}`), {
      text: (row, { base }) => linksText(base, `${collection}/${row.uuid}/${name}`),
      type: LINKS,
      ...more,
    });
  return { shown, unsorted, json, time, computed, links, below };
}
