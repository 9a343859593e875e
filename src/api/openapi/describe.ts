import { SetMetadata } from '@nestjs/common';
import type { ParameterTable } from '../request/query.js';
import type { Field } from '../resource/field.js';
import type { JsonSchema } from './json-schema.js';

export const DESCRIPTION = 'ferric:description';

/** A kind of record in the API. Its schema is derived from its field table. */
export interface Resource {
  /** Name of the schema, in the singular: `Node`. */
  readonly name: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tables of every kind of row stand side by side
  readonly fields: readonly Field<any, any>[];
}

/** The body of a request: a new record, a JSON Patch, or arguments. */
export type Body =
  | { readonly creates: Resource; readonly more?: Readonly<Record<string, JsonSchema>> }
  | { readonly patches: Resource }
  | { readonly schema: JsonSchema; readonly optional?: true };

/** The body of a successful answer: a record, a page of records under a key, or another schema. */
export type Answer =
  | { readonly one: Resource }
  /** Only some fields: `fields=` was given, or the listing is brief. */
  | { readonly part: Resource }
  | { readonly page: Resource; readonly key: string }
  | { readonly schema: JsonSchema }
  | { readonly text: string };

export interface RouteDescription {
  /** One line: what the route does. */
  readonly summary: string;
  /** None: any parameter is refused before the handler runs. */
  readonly query?: ParameterTable;
  /** Any parameters are accepted and ignored. */
  readonly anyQuery?: true;
  readonly body?: Body;
  /** None: the answer has no body. */
  readonly answer?: Answer;
  /** The answer may also be 202 without a body: accepted, not done yet. */
  readonly orAccepted?: true;
}

/** The description of a route for the OpenAPI document and the reference. Every route has one. */
export const Describe = (description: RouteDescription): MethodDecorator =>
  SetMetadata(DESCRIPTION, description);
