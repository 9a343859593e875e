import { z } from 'zod';
import { configSchema } from '../../src/config/schema.js';

/** One key of the configuration, read from the schema. A section is a key with `below`. */
export interface ConfigKey {
  /** `api.listen.port` is ['api', 'listen', 'port']. */
  readonly path: readonly string[];
  readonly description: string;
  /** Keys of a section; empty for a value. */
  readonly below: readonly ConfigKey[];
  /** `integer, 0 to 65535`; empty for a section. */
  readonly kind: string;
  readonly fallback: unknown;
  /** Keys of each member, for a list of mappings. */
  readonly member: readonly ConfigKey[];
}

/** The properties of z.toJSONSchema's output that are read here. */
interface Shape {
  description?: string;
  type?: string | string[];
  enum?: unknown[];
  anyOf?: Shape[];
  properties?: Record<string, Shape>;
  additionalProperties?: boolean | Shape;
  required?: string[];
  items?: Shape;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  format?: string;
  default?: unknown;
}

/** All keys in the schema's order, with the defaults of an empty configuration. */
export function configKeys(): readonly ConfigKey[] {
  const shape = z.toJSONSchema(configSchema, { io: 'input' }) as Shape;
  return section(shape, [], configSchema.parse({}));
}

function section(shape: Shape, path: readonly string[], values: unknown): ConfigKey[] {
  return Object.entries(shape.properties ?? {}).map(([name, inner]) => {
    const here = [...path, name];
    const value = (values as Record<string, unknown>)[name];
    const isSection = inner.properties !== undefined;
    return {
      path: here,
      description: inner.description ?? '',
      below: isSection ? section(inner, here, value) : [],
      kind: isSection ? '' : kindOf(inner),
      fallback: value,
      member: members(inner, here),
    };
  });
}

function members(shape: Shape, path: readonly string[]): ConfigKey[] {
  const items = shape.items;
  if (items?.properties === undefined) return [];
  return Object.entries(items.properties).map(([name, inner]) => ({
    path: [...path, name],
    description: inner.description ?? '',
    below: [],
    kind: kindOf(inner) + (items.required?.includes(name) ? ', required' : ''),
    fallback: inner.default,
    member: [],
  }));
}

/** Bounds in JSON Schema; those that every `z.int()` has are left out. */
const bound = (value: number | undefined) =>
  value === undefined || Math.abs(value) >= Number.MAX_SAFE_INTEGER ? undefined : value;

function kindOf(shape: Shape): string {
  if (shape.anyOf) return shape.anyOf.map(kindOf).join(' or ');
  if (shape.enum) return shape.enum.map((value) => JSON.stringify(value)).join(' or ');
  if (Array.isArray(shape.type)) return shape.type.map((type) => kindOf({ ...shape, type })).join(' or ');
  const [from, to] = [bound(shape.minimum), bound(shape.maximum)];
  const range = from === undefined ? '' : to === undefined ? `, from ${from}` : `, ${from} to ${to}`;
  switch (shape.type) {
    case 'array':
      return `list of ${shape.items?.properties ? 'mappings' : kindOf(shape.items ?? {})}`;
    case 'object':
      return `mapping of names to ${kindOf(shape.additionalProperties as Shape)}`;
    case 'integer':
    case 'number':
      return `${shape.type}${range}`;
    case 'string':
      return FORMATS[shape.format ?? ''] ?? 'string';
    default:
      return shape.type ?? 'any value';
  }
}

const FORMATS: Record<string, string> = {
  ipv4: 'IPv4 address',
  cidrv4: 'IPv4 network',
  uri: 'URL',
};
