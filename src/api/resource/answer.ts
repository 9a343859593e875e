import type { ApiReply, ApiRequest } from '../request/asked.js';
import { type ParameterTable, readQuery } from '../request/query.js';
import { SELECTING } from './collection.js';
import { type Field, type Reading, type View, viewOf } from './field.js';

/** Parameters of a GET of one record. */
export const SHOW = { fields: SELECTING.fields } as const satisfies ParameterTable;

/**
 * The fields of the answer to a GET of one record: `fields`, or all.
 * @throws InvalidError, FerricError not-acceptable
 */
export function readShow<Row, Context extends Reading>(
  { asked, query }: ApiRequest,
  fields: readonly Field<Row, Context>[],
): View<Row, Context> {
  const given = readQuery(query, SHOW, asked.version);
  return viewOf(fields, asked.version, given.fields ?? 'whole');
}

/** One record with all fields of the request's version. */
export function whole<Row, Context extends Reading>(
  fields: readonly Field<Row, Context>[],
  row: Row,
  reading: Context,
): Record<string, unknown> {
  return viewOf(fields, reading.version, 'whole').show(row, reading);
}

/** The answer to a POST: the record, and its Location. @param collection first part of its path */
export function created<Row extends { uuid: string }, Context extends Reading>(
  reply: ApiReply,
  collection: string,
  fields: readonly Field<Row, Context>[],
  row: Row,
  reading: Context,
): Record<string, unknown> {
  reply.header('location', `${reading.base}/v1/${collection}/${row.uuid}`);
  return whole(fields, row, reading);
}
