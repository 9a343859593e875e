import { z } from 'zod';

/** A JSON Schema of draft 2020-12, as OpenAPI 3.1 holds it. */
export type JsonSchema = { readonly [key: string]: unknown };

export const STRING: JsonSchema = { type: 'string' };
export const TEXT: JsonSchema = { type: ['string', 'null'] };
export const FLAG: JsonSchema = { type: ['boolean', 'null'] };
export const TIME: JsonSchema = { type: ['string', 'null'], format: 'date-time' };
export const OBJECT: JsonSchema = { type: ['object', 'null'] };
/** A JSON column: any value. */
export const STRUCTURE: JsonSchema = { type: ['object', 'array', 'null'] };
export const STRINGS: JsonSchema = { type: 'array', items: STRING };
export const LINKS: JsonSchema = {
  type: 'array',
  items: objectOf({ href: STRING, rel: STRING, type: STRING }, ['href', 'rel']),
};
export const ANYTHING: JsonSchema = {};

/** An object with exactly these properties. @param required default: all of them */
export function objectOf(
  properties: Readonly<Record<string, JsonSchema>>,
  required: readonly string[] = Object.keys(properties),
): JsonSchema {
  return {
    type: 'object',
    properties,
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
  };
}

/** The schema of a client's value for a field or an argument. */
export function accepted(schema: z.ZodType): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}

/** The schema of a written field in an answer: texts for a boolean or a number have been converted. */
export function answered(schema: z.ZodType): JsonSchema {
  const taken = accepted(schema);
  const alternatives = (taken['anyOf'] as JsonSchema[] | undefined)?.flatMap(
    (each) => (each['anyOf'] as JsonSchema[] | undefined) ?? [each],
  );
  if (!alternatives?.some(({ type }) => type === 'boolean' || type === 'integer')) return withNull(taken);
  return withNull({ anyOf: alternatives.filter(({ type }) => type !== 'string') });
}

/** Any column may be null in an answer, whatever a client must send. */
function withNull(schema: JsonSchema): JsonSchema {
  if (Object.keys(schema).length === 0) return schema;
  const alternatives = (schema['anyOf'] as JsonSchema[] | undefined) ?? [schema];
  if (alternatives.some(({ type }) => type === 'null')) return schema;
  return { anyOf: [...alternatives, { type: 'null' }] };
}
