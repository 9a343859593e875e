import { z } from 'zod';
import { FerricError, InvalidError } from '../../domain/errors.js';
import { isObject, type Json, type JsonObject } from '../../domain/json.js';
import { applyPatch, type PatchOperation, pathParts, sameJson } from '../../domain/node/json-patch.js';
import type { Microversion } from '../microversion/microversion.js';
import type { Writing } from './field.js';

/** The parts of a field's row that writing needs. */
export interface WritableField {
  readonly name: string;
  readonly since: number;
  readonly write?: Writing;
}

/** The value that a field's row writes, by the type of its schema; none for a row that is not written. */
type ValueOf<E> = E extends { readonly write: Writing<infer Value> } ? Value : never;
/** A row that POST may write; rows whose literal type is lost are left out. */
type InPost<E> = E extends { readonly write: { readonly create: false } }
  ? never
  : E extends { readonly write: Writing }
    ? E
    : never;
type InPatch<E> = E extends { readonly write: { readonly patch: false } }
  ? never
  : E extends { readonly write: Writing }
    ? E
    : never;
type Required<E> = E extends { readonly write: { readonly required: true } } ? E : never;
type Values<E extends WritableField> = { -readonly [F in E as F['name']]: ValueOf<F> };

/** The values of a POST, by field: required fields are present, others may be missing. */
export type Created<F extends readonly WritableField[]> = Values<Required<InPost<F[number]>>> &
  Partial<Values<Exclude<InPost<F[number]>, Required<F[number]>>>>;

/** The values of all fields that a PATCH may write. */
export type Patched<F extends readonly WritableField[]> = Values<InPatch<F[number]>>;

const newer = () => new FerricError('not-acceptable', 'Request not acceptable.');

/**
 * Reads the body of a POST. Missing fields are left out of the result; null becomes the field's empty value.
 * @param what resource, for messages
 * @throws InvalidError with jsonschema's texts, FerricError not-acceptable for a field newer than the version
 */
export function readCreation<const F extends readonly WritableField[]>(
  what: string,
  fields: F,
  body: unknown,
  version: Microversion,
): Created<F> {
  const writable = new Map(fields.filter((field) => field.write?.create).map((field) => [field.name, field]));
  const given = objectBody(what, body);
  refuseAdditional(what, Object.keys(given), writable);
  for (const field of writable.values()) {
    if (field.write!.required && given[field.name] === undefined) throw missing(what, field.name);
  }
  const values: JsonObject = {};
  for (const [name, value] of Object.entries(given)) {
    const field = writable.get(name)!;
    values[name] = parse(what, field, value);
  }
  for (const [name, value] of Object.entries(values)) {
    const field = writable.get(name)!;
    if (!version.has(field.since) && value !== field.write!.empty) throw newer();
  }
  // The schemas of the rows have parsed them.
  return values as Created<F>;
}

/** The body as an object; a missing body is an empty one. */
export function objectBody(what: string, body: unknown): Record<string, unknown> {
  if (body === undefined) return {};
  if (!isObject(body)) throw new InvalidError(`Schema error for ${what}: the body is not of type 'object'`);
  return body;
}

function refuseAdditional(what: string, names: readonly string[], known: ReadonlyMap<string, unknown>): void {
  const unknown = names.filter((name) => !known.has(name)).slice(0, 10);
  if (unknown.length === 0) return;
  const list = unknown.map((name) => `'${name.slice(0, 100)}'`).join(', ');
  const verb = unknown.length === 1 ? 'was' : 'were';
  throw new InvalidError(
    `Schema error for ${what}: Additional properties are not allowed (${list} ${verb} unexpected)`,
  );
}

function missing(what: string, name: string): InvalidError {
  return new InvalidError(`Schema error for ${what}: '${name}' is a required property`);
}

function parse(what: string, field: WritableField, value: unknown): Json {
  const result = field.write!.schema.safeParse(value);
  if (result.success) return (result.data as Json) ?? field.write!.empty;
  const [issue] = result.error.issues;
  const message = issue!.message;
  throw new InvalidError(
    message.includes('{name}')
      ? message.replace('{name}', field.name)
      : `Schema error for ${what}: ${message} (${[field.name, ...issue!.path].join('.')})`,
  );
}

const operationSchema = z.strictObject({
  op: z.enum(['add', 'replace', 'remove']),
  path: z.string(),
  value: z.unknown().optional(),
});
const MOST_OPERATIONS = 1000;
const PLAIN = /^(\/[\p{L}\p{N}_-]+)+$/u;
const ESCAPED = /^(\/([\p{L}\p{N}_-]|~[01])+)+$/u;

/** A parsed JSON Patch. It is applied under the record's lock. */
export interface Edit<F extends readonly WritableField[] = readonly WritableField[]> {
  readonly patch: readonly PatchOperation[];
  /** Top-level fields that it touches. */
  readonly roots: ReadonlySet<string>;
  /** The values that it writes to this field as a whole; null for a removal. */
  valuesOf(root: string): Json[];
  /**
   * Applies it to a record.
   * @returns the patched document, and its values that differ from the record's
   * @throws InvalidError for a missing path or an invalid value
   */
  apply(row: object): { document: Patched<F>; changes: Partial<Patched<F>> };
}

/**
 * Reads the body of a PATCH and checks that it touches only fields that may be patched.
 * @throws InvalidError, FerricError not-acceptable for a field newer than the version
 */
export function readEdit<const F extends readonly WritableField[]>(
  fields: F,
  body: unknown,
  version: Microversion,
): Edit<F> {
  const escapes = version.does('pointerEscapes');
  const patch = readPatch(fields, body, version, escapes);
  const roots = new Set(patch.map(({ path }) => pathParts(path, escapes)[0]));
  return {
    patch,
    roots,
    valuesOf: (root) =>
      patch
        .filter(({ path }) => path === `/${root}`)
        .map(({ op, value }) => (op === 'remove' ? null : value!)),
    apply: (row) => {
      const before: JsonObject = {};
      for (const { name, write } of fields) {
        if (write?.patch) before[name] = (row as { [name: string]: Json })[name] ?? null;
      }
      const after = readPatched(fields, applyPatch(before, patch, escapes), roots);
      const changed = Object.entries(after).filter(([name, value]) => !sameJson(value, before[name]));
      // The schemas of the rows have parsed what changed; the rest is the record's.
      const document = { ...before, ...after } as Patched<F>;
      return { document, changes: Object.fromEntries(changed) as Partial<Patched<F>> };
    },
  };
}

function readPatch(
  fields: readonly WritableField[],
  body: unknown,
  version: Microversion,
  escapes: boolean,
): PatchOperation[] {
  const fault = (message: string) => new InvalidError(`Schema error for patch: ${message}`);
  if (!Array.isArray(body)) throw fault("the body is not of type 'array'");
  if (body.length > MOST_OPERATIONS) throw fault('it has too many operations');
  const patch = body.map((item: unknown): PatchOperation => {
    if (!isObject(item)) throw fault("an operation is not of type 'object'");
    for (const name of ['op', 'path']) if (!(name in item)) throw fault(`'${name}' is a required property`);
    const read = operationSchema.safeParse(item);
    if (!read.success) throw fault(operationFault(item));
    const { op, path } = read.data;
    if (path.length > 1000 || !(escapes ? ESCAPED : PLAIN).test(path)) {
      throw fault(`'${path.slice(0, 100)}' does not match '^(/[\\\\w-]+)+$'`);
    }
    if (op !== 'remove' && !('value' in item)) throw fault(`'value' is a required property (${path})`);
    return op === 'remove' ? { op, path } : { op, path, value: item['value'] as Json };
  });
  const allowed = fields.filter((field) => field.write?.patch);
  for (const { path } of patch) {
    const [root] = pathParts(path, escapes);
    const field = allowed.find((candidate) => candidate.name === root);
    if (!field) {
      const names = allowed.map(({ name }) => name).toSorted();
      throw new InvalidError(
        `Cannot patch ${path.slice(0, 100)}. Only the following can be updated: ${names.join(', ')}`,
      );
    }
    if (!version.has(field.since)) throw newer();
  }
  return patch;
}

function operationFault(item: Record<string, unknown>): string {
  const known = ['op', 'path', 'value'];
  const unknown = Object.keys(item).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    return `Additional properties are not allowed ('${unknown.slice(0, 100)}' was unexpected)`;
  }
  if (typeof item['path'] !== 'string') return "path is not of type 'string'";
  return `'${String(item['op']).slice(0, 100)}' is not one of ['add', 'replace', 'remove']`;
}

/**
 * Reads a patched document: types, required fields, null for removed ones.
 * @param roots fields that the patch touches; the others are unchanged
 */
function readPatched(
  fields: readonly WritableField[],
  document: JsonObject,
  roots: ReadonlySet<string>,
): JsonObject {
  const values: JsonObject = {};
  for (const field of fields) {
    if (!field.write?.patch || !roots.has(field.name)) continue;
    const value = document[field.name];
    if (field.write.required && value === undefined) throw missing('patch', field.name);
    values[field.name] = parse('patch', field, value ?? null);
  }
  return values;
}
