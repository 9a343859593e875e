import type { Json } from '../../domain/json.js';
import { ANYTHING, LINKS, STRUCTURE, TIME } from '../openapi/json-schema.js';
import { type Field, type Reading, timestamp, type Writing } from './field.js';
import { linksText, linksTo } from './links.js';

/** How a client sets a field: by POST and PATCH, unless `where` says otherwise. */
export function written(
  schema: Writing['schema'],
  empty: Json,
  where: Partial<Writing> = {},
): { write: Writing } {
  return { write: { create: true, patch: true, ...where, schema, empty } };
}

/** Rows of a field table, for records of one kind. */
export function fieldsOf<Row extends { uuid: string }, Context extends Reading = Reading>() {
  type Row_ = Field<Row, Context>;
  type Column = keyof Row & string;
  type More = Partial<Row_>;

  /** A column as it is. */
  const shown = (name: Column, since: number, more: More = {}): Row_ => ({
    name,
    since,
    columns: [name],
    read: (row) => row[name],
    ...(more.read ? {} : { form: 'value' }),
    sort: true,
    ...more,
  });
  /** A column that cannot be sorted by. */
  const unsorted = (name: Column, since: number, more: More = {}): Row_ => {
    const { sort, ...field } = shown(name, since, more);
    return field;
  };
  /** A column that holds JSON: it cannot be sorted by. */
  const json = (name: Column, since: number, more: More = {}): Row_ => {
    const field = unsorted(name, since, more.read ? more : { form: 'json', ...more });
    return field.write ? field : { type: STRUCTURE, ...field };
  };
  const time = (name: Column, since: number, more: More = {}): Row_ => {
    const read: Row_['read'] = (row) => timestamp(row[name] as Date | null);
    return shown(name, since, { read, form: 'time', type: TIME, ...more });
  };
  /** What is made of columns, or of the context. */
  const computed = (
    name: string,
    since: number,
    columns: readonly Column[],
    read: Row_['read'],
    more: More = {},
  ): Row_ => ({ name, since, columns, read, ...(more.write ? {} : { type: ANYTHING }), ...more });
  /** The record's own links. @param collection first part of its path */
  const links = (collection: string, since: number): Row_ =>
    computed('links', since, ['uuid'], (row, { base }) => linksTo(base, `${collection}/${row.uuid}`), {
      text: (row, { base }) => linksText(base, `${collection}/${row.uuid}`),
      always: true,
      type: LINKS,
    });
  /** Links to what lies below the record. */
  const below = (collection: string, name: string, since: number, more: More = {}): Row_ =>
    computed(name, since, ['uuid'], (row, { base }) => linksTo(base, `${collection}/${row.uuid}/${name}`), {
      text: (row, { base }) => linksText(base, `${collection}/${row.uuid}/${name}`),
      type: LINKS,
      ...more,
    });
  return { shown, unsorted, json, time, computed, links, below };
}
