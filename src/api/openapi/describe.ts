import { SetMetadata } from '@nestjs/common';
import type { ParameterTable } from '../request/query.js';
import type { Field } from '../resource/field.js';
import type { JsonSchema } from './json-schema.js';

export const DESCRIPTION = 'ferric:description';

/** A kind of record in the API. Its schema is read off its field table. */
export interface Resource {
  /** Name of the schema, in the singular: `Node`. */
  readonly name: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tables of every kind of row stand side by side
  readonly fields: readonly Field<any, any>[];
}

/** What a request brings: a new record, a JSON Patch of one, or arguments of its own. */
export type Body =
  | { readonly creates: Resource; readonly more?: Readonly<Record<string, JsonSchema>> }
  | { readonly patches: Resource }
  | { readonly schema: JsonSchema; readonly optional?: true };

/** What a good answer holds: a record, a page of them under a key, or something of its own. */
export type Answer =
  | { readonly one: Resource }
  /** Only some fields: `fields=` was given, or the listing is brief. */
  | { readonly part: Resource }
  | { readonly page: Resource; readonly key: string }
  | { readonly schema: JsonSchema }
  | { readonly text: string };

export interface RouteDescription {
  /** One line: what it does. */
  readonly summary: string;
  /** None: a parameter is refused before the handler sees the request. */
  readonly query?: ParameterTable;
  /** Its answer is the same whatever parameters come. */
  readonly anyQuery?: true;
  readonly body?: Body;
  /** None: the answer has no body. */
  readonly answer?: Answer;
  /** It may also be answered 202 without a body: accepted, not done yet. */
  readonly orAccepted?: true;
}

/** What the OpenAPI document and the reference say of a route. Every route has one. */
export const Describe = (description: RouteDescription): MethodDecorator =>
  SetMetadata(DESCRIPTION, description);
