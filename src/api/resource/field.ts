import type { z } from 'zod';
import { FerricError, InvalidError } from '../../domain/errors.js';
import type { Json } from '../../domain/json.js';
import type { Microversion } from '../microversion/microversion.js';
import type { JsonSchema } from '../openapi/json-schema.js';

/** The context of a field's reader, besides the row. */
export interface Reading {
  readonly version: Microversion;
  /** Base of links. */
  readonly base: string;
}

/** How a client sets a field. `Value` is the type in the record. */
export interface Writing<Value = unknown> {
  readonly schema: z.ZodType;
  /** For the type only: never set. */
  readonly holds?: Value;
  /** Settable in the body of POST. */
  readonly create: boolean;
  /** Settable as a root of a JSON Patch path. */
  readonly patch: boolean;
  readonly required?: true;
  /** The record's value when the client gives null or removes the field. */
  readonly empty: Json;
}

/** The form of a column in an answer: as it is, as JSON text, as a time. */
export type TextForm = 'value' | 'json' | 'time';

/** One field of a resource. Serializer, `fields=`, sort keys, POST, PATCH and the reference derive from these rows. */
export interface Field<Row, Context extends Reading = Reading> {
  readonly name: string;
  /** First microversion, as the N of 1.N. */
  readonly since: number;
  /** Columns that `read` uses. */
  readonly columns: readonly (keyof Row & string)[];
  readonly read: (row: Row, context: Context) => unknown;
  /** For a field that shows one column and nothing else. */
  readonly form?: TextForm;
  /** JSON text of the result of `read`, where that is cheaper than building the value. */
  readonly text?: (row: Row, context: Context) => string;
  /** Included in a listing without a selection. */
  readonly brief?: true;
  /** Included in every answer, whatever was selected. */
  readonly always?: true;
  /** Shown with all fields, but not selectable: links to sub-resources, time stamps of nodes. */
  readonly wholeOnly?: true;
  /** A possible sort key; JSON columns are not. */
  readonly sort?: true;
  readonly write?: Writing;
  /** Type of the result of `read`; default: that of `write`, else text. */
  readonly type?: JsonSchema;
}

/** The fields of an answer, and the columns to read for them. */
export interface View<Row, Context extends Reading = Reading> {
  readonly columns: readonly string[];
  show(row: Row, context: Context): Record<string, unknown>;
}

export type Selection = 'brief' | 'whole' | readonly string[];

/**
 * @param selection names of fields; `brief` and `whole` leave out fields newer than the version
 * @throws InvalidError for an unknown name, FerricError not-acceptable for a newer one
 */
export function viewOf<Row, Context extends Reading>(
  fields: readonly Field<Row, Context>[],
  version: Microversion,
  selection: Selection,
): View<Row, Context> {
  if (typeof selection !== 'string') return makeView(fields, version, selection);
  const key = `${selection} ${String(version)}`;
  let views = NAMED_VIEWS.get(fields);
  if (!views) {
    views = new Map();
    NAMED_VIEWS.set(fields, views);
  }
  const known = views.get(key) as View<Row, Context> | undefined;
  if (known) return known;
  const made = makeView(fields, version, selection);
  views.set(key, made);
  return made;
}

/** Cached views: by table of fields, one for each version of `brief` and of `whole`. */
const NAMED_VIEWS = new WeakMap<object, Map<string, unknown>>();

function makeView<Row, Context extends Reading>(
  fields: readonly Field<Row, Context>[],
  version: Microversion,
  selection: Selection,
): View<Row, Context> {
  const shown = selectFields(fields, version, selection);
  return {
    columns: [...new Set(shown.flatMap((field) => field.columns))],
    show(row, context) {
      const answer: Record<string, unknown> = {};
      for (const field of shown) answer[field.name] = field.read(row, context);
      return answer;
    },
  };
}

/** The fields of an answer, in its order. @throws as `viewOf` */
export function selectFields<Row, Context extends Reading>(
  fields: readonly Field<Row, Context>[],
  version: Microversion,
  selection: Selection,
): readonly Field<Row, Context>[] {
  if (typeof selection !== 'string') refuseFields(fields, version, selection);
  return fields.filter((field) => {
    if (!version.has(field.since)) return false;
    if (field.always || selection === 'whole') return true;
    return selection === 'brief' ? field.brief : selection.includes(field.name);
  });
}

function refuseFields<Row, Context extends Reading>(
  fields: readonly Field<Row, Context>[],
  version: Microversion,
  names: readonly string[],
): void {
  const selectable = new Map(fields.filter((field) => !field.wholeOnly).map((field) => [field.name, field]));
  const newer = names.filter((name) => !version.has(selectable.get(name)?.since ?? 0));
  if (newer.length > 0) throw new FerricError('not-acceptable', 'Request not acceptable.');
  const shownOnly = fields.find((field) => field.wholeOnly && names.includes(field.name));
  if (shownOnly) throw new InvalidError(`Field ${shownOnly.name} is not a valid field.`);
  const unknown = names.filter((name) => !selectable.has(name));
  if (unknown.length > 0) {
    throw new InvalidError(`Field(s) "${unknown.slice(0, 10).join(', ').slice(0, 200)}" are not valid`);
  }
}

/** @throws InvalidError, FerricError not-acceptable */
export function checkSortKey<Row, Context extends Reading>(
  fields: readonly Field<Row, Context>[],
  version: Microversion,
  key: string,
): void {
  if (key === 'id') return;
  const field = fields.find((row) => row.name === key);
  if (field && !version.has(field.since)) throw new FerricError('not-acceptable', 'Request not acceptable.');
  if (!field || field.always) {
    throw new InvalidError(`The sort_key value "${key.slice(0, 100)}" is an invalid field for sorting`);
  }
  if (!field.sort) throw new InvalidError(`The sort_key value ${key} is an invalid field for sorting`);
}

/** Python's isoformat of a UTC time, as the API has always given it. */
export function timestamp(at: Date | null): string | null {
  return at === null ? null : `${at.toISOString().slice(0, -1)}000+00:00`;
}
