import fc from 'fast-check';
import type { OpenApiDocument } from '../../../src/api/openapi/document.js';
import { HOSTILE_TEXT } from './hostile-text.js';

type Schema = { readonly [key: string]: unknown };

/** An operation of the OpenAPI document. */
export interface Operation {
  method: string;
  path: string;
  query: readonly string[];
  /** Undefined where it takes none. References are resolved. */
  body: Schema | undefined;
}

/** A request with something wrong in it. */
export interface Asked {
  /** With `{names}` of what stands there. */
  path: string;
  version: number;
  headers: Record<string, string>;
  body?: unknown;
  /** The field that a refusal must name. */
  wrong?: string;
}

export function operationsOf(document: OpenApiDocument): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const { parameters = [], requestBody } = operation as {
        parameters?: readonly { name: string; in: string }[];
        requestBody?: { content: Record<string, { schema: Schema }> };
      };
      const schema = requestBody?.content['application/json']?.schema;
      return {
        method: method.toUpperCase(),
        path,
        query: parameters.filter((each) => each.in === 'query').map(({ name }) => name),
        body: schema === undefined ? undefined : resolved(schema, document),
      };
    }),
  );
}

function resolved(schema: Schema, { components }: OpenApiDocument): Schema {
  const { $ref } = schema;
  return typeof $ref === 'string' ? components.schemas[$ref.split('/').at(-1)!]! : schema;
}

const HOSTILE = fc.oneof(
  HOSTILE_TEXT,
  fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 1e300, 2 ** 53, [], {}, [[]], { a: { b: [null] } }),
  fc.constant(
    JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}') as unknown,
  ),
  fc.jsonValue({ maxDepth: 4 }),
);

/** A request for the operation: right but for one thing, or wrong altogether. */
export function askedOf(operation: Operation): fc.Arbitrary<Asked> {
  const ways = [wrongVersion(operation), wrongQuery(operation), wrongHeaders(operation)];
  if (operation.path.includes('{')) ways.push(wrongIdent(operation), wrongIdent(operation));
  if (operation.body !== undefined) ways.push(...wrongBodies(operation, operation.body));
  return fc.oneof(...ways);
}

const version = fc.oneof({ weight: 3, arbitrary: fc.constant(115) }, fc.integer({ min: 1, max: 115 }));
/** The newest version, a good body, and no query. */
const good = ({ path, body }: Operation): Asked => ({
  path,
  version: 115,
  headers: {},
  ...(body === undefined ? {} : { body: sampleOf(body) }),
});

const wrongVersion = (operation: Operation) =>
  version.map((minor): Asked => ({ ...good(operation), version: minor }));

function wrongQuery(operation: Operation): fc.Arbitrary<Asked> {
  const name = fc.oneof(
    fc.constantFrom(...operation.query, 'nosuch', 'limit'),
    fc.constantFrom('__proto__', 'fields[]', ''),
  );
  const pairs = fc.array(fc.tuple(name, HOSTILE_TEXT), { minLength: 1, maxLength: 3 });
  return fc.tuple(pairs, version).map(([given, minor]) => {
    const text = given.map((pair) => pair.map((part) => encodeURIComponent(part.toWellFormed())).join('='));
    return { ...good(operation), path: `${operation.path}?${text.join('&')}`, version: minor };
  });
}

const wrongIdent = (operation: Operation) =>
  HOSTILE_TEXT.map((text): Asked => {
    const part = encodeURIComponent(text.toWellFormed()).replaceAll('.', '%2E');
    return { ...good(operation), path: operation.path.replace(/\{\w+\}/, part) };
  });

const wrongHeaders = (operation: Operation) =>
  fc
    .constantFrom<Record<string, string>>(
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/json; charset=nosuch' },
      { 'content-type': '' },
      { accept: 'text/html' },
      { 'x-openstack-ironic-api-version': '1.x' },
      { 'x-openstack-ironic-api-version': '99.1' },
      { 'openstack-api-version': 'baremetal nosuch' },
      { 'x-forwarded-proto': 'nosuch', 'x-forwarded-host': '"><' },
      { 'if-none-match': '*' },
    )
    .map((headers): Asked => ({ ...good(operation), headers }));

function wrongBodies(operation: Operation, schema: Schema): fc.Arbitrary<Asked>[] {
  const altogether = fc
    .oneof(HOSTILE, fc.constantFrom('{', '[1,', '{"a":1}}', `${'['.repeat(5_000)}`, '\u00ff{}'))
    .map((body): Asked => ({ ...good(operation), body }));
  if (schema['type'] === 'array') return [altogether, ...wrongPatches(operation)];
  const properties = Object.keys((schema['properties'] ?? {}) as object);
  const sample = sampleOf(schema) as Record<string, unknown>;
  const unknown = fc
    .tuple(fc.constantFrom('nosuch', 'constructor', 'a.b', '\ud800'), HOSTILE)
    .map(([name, value]): Asked => ({ ...good(operation), body: { ...sample, [name]: value } }));
  const polluting = fc.constant<Asked>({
    ...good(operation),
    body: `{"__proto__": {"polluted": 1}, ${JSON.stringify(sample).slice(1)}`.replace(', }', '}'),
  });
  if (properties.length === 0) return [altogether, unknown, polluting];
  const one = fc
    .tuple(fc.constantFrom(...properties), HOSTILE, version)
    .map(([name, value, minor]): Asked => {
      const body = { ...sample, [name]: value };
      return { ...good(operation), body, version: minor };
    });
  const missing = fc.constantFrom(...properties).map((name): Asked => {
    const { [name]: _, ...rest } = sample;
    return { ...good(operation), body: rest };
  });
  const of = (type: string) => properties.filter((name) => typeOf(schema, name) === type);
  /** What is surely not of the property's type. */
  const mistyped = [
    ...of('object').map((name) => ({ name, value: 'no object' as unknown })),
    ...of('array').map((name) => ({ name, value: 'no list' as unknown })),
    ...of('string').map((name) => ({ name, value: { no: 'text' } as unknown })),
  ].map(
    ({ name, value }): Asked => ({ ...good(operation), body: { ...sample, [name]: value }, wrong: name }),
  );
  return [
    one,
    one,
    altogether,
    unknown,
    polluting,
    missing,
    ...(mistyped.length > 0 ? [fc.constantFrom(...mistyped)] : []),
  ];
}

function wrongPatches(operation: Operation): fc.Arbitrary<Asked>[] {
  const parts = fc.oneof(
    fc.constantFrom('extra', 'name', 'driver_info', 'properties', 'steps', 'uuid', 'node_uuid', 'address'),
    fc.constantFrom('0', '-', '~1', '__proto__', 'a'),
    HOSTILE_TEXT,
  );
  const path = fc.array(parts, { minLength: 1, maxLength: 4 }).map((names) => `/${names.join('/')}`);
  const step = fc.record({
    op: fc.constantFrom('add', 'replace', 'remove', 'move', 'test', ''),
    path,
    value: HOSTILE,
  });
  return [
    fc
      .tuple(fc.array(step, { minLength: 1, maxLength: 3 }), version)
      .map(([body, minor]): Asked => ({ ...good(operation), body, version: minor })),
  ];
}

function typeOf(schema: Schema, name: string): unknown {
  return (schema['properties'] as Record<string, Schema> | undefined)?.[name]?.['type'];
}

/** Something that the schema takes, as small as it can be. */
function sampleOf(schema: Schema): unknown {
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum'])) return schema['enum'][0];
  for (const many of ['oneOf', 'anyOf'] as const) {
    if (Array.isArray(schema[many])) return sampleOf(schema[many][0] as Schema);
  }
  const type = Array.isArray(schema['type']) ? (schema['type'] as unknown[])[0] : schema['type'];
  if (type === 'object') {
    const properties = (schema['properties'] ?? {}) as Record<string, Schema>;
    const required = (schema['required'] ?? []) as string[];
    return Object.fromEntries(required.map((name) => [name, sampleOf(properties[name] ?? {})]));
  }
  if (type === 'array') return [];
  if (type === 'integer' || type === 'number') return Number(schema['minimum'] ?? 0);
  if (type === 'boolean') return true;
  return type === 'null' ? null : 'x';
}
