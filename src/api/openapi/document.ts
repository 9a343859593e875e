import { MAX_VERSION, MIN_VERSION, type Microversion } from '../microversion/microversion.js';
import type { ParameterTable } from '../request/query.js';
import type { DeclaredRoute } from '../routes.js';
import type { Answer, Body, Resource, RouteDescription } from './describe.js';
import { accepted, answered, type JsonSchema, objectOf, STRING, TEXT } from './json-schema.js';

export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, JsonSchema>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

const JSON_TYPE = 'application/json';

/** Ironic's forms: a text that is JSON itself; bare for an unreadable body; the middleware's for a login. */
const ERROR: JsonSchema = {
  oneOf: [
    objectOf({ error_message: { type: 'string', contentMediaType: JSON_TYPE } }),
    objectOf({ faultcode: { enum: ['Client', 'Server'] }, faultstring: STRING }),
    objectOf({
      error: objectOf({ message: STRING, code: { type: 'integer' }, title: STRING }, ['message', 'code']),
    }),
  ],
};

const PATCH: JsonSchema = {
  type: 'array',
  items: objectOf(
    { op: { enum: ['add', 'replace', 'remove'] }, path: { type: 'string', pattern: '^/' }, value: {} },
    ['op', 'path'],
  ),
};

/**
 * The API at one microversion, derived from the tables that it answers by: newer routes, parameters and fields are left
 * out. OpenAPI 3.1.
 */
export function openApiDocument(
  routes: readonly DeclaredRoute[],
  version: Microversion,
  base: string,
): OpenApiDocument {
  const schemas = new Schemas(version);
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const route of routes) {
    if (route.since === undefined || !version.has(route.since) || !route.description) continue;
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = operation(route, route.description, version, schemas);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Ferric: the Bare Metal API',
      version: version.toString(),
      description:
        `The OpenStack Bare Metal API as it is at microversion ${version.toString()}; Ferric speaks ${MIN_VERSION} to ` +
        `${MAX_VERSION}. The header OpenStack-API-Version names the microversion, of this document too.`,
    },
    servers: [{ url: base }],
    paths,
    components: { schemas: { Error: ERROR, Patch: PATCH, ...schemas.named } },
  };
}

function operation(
  { path, method, since, policy, status }: DeclaredRoute,
  { summary, query, body, answer, orAccepted }: RouteDescription,
  version: Microversion,
  schemas: Schemas,
): JsonSchema {
  const named = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name!);
  return {
    operationId: operationId(method, path),
    summary,
    tags: [path.split('/')[2] ?? 'roots'],
    'x-since': `1.${since}`,
    'x-policy': policy,
    parameters: [
      ...named.map((name) => ({ name, in: 'path', required: true, schema: STRING })),
      ...parameters(query ?? {}, version),
    ],
    ...(body ? { requestBody: requestBody(body, schemas) } : {}),
    responses: {
      [String(status)]: {
        description: 'Done',
        ...(answer ? { content: content(answer, schemas) } : {}),
      },
      ...(orAccepted ? { '202': { description: 'Accepted, not done yet' } } : {}),
      default: { description: 'Refused or failed', content: jsonOf(ref('Error')) },
    },
  };
}

/** A name for generated clients: `patch_v1_nodes_ident`. */
function operationId(method: string, path: string): string {
  return [method.toLowerCase(), ...path.split('/').filter((part) => part !== '')]
    .join('_')
    .replaceAll(/[^\w]/g, '');
}

function parameters(table: ParameterTable, version: Microversion): JsonSchema[] {
  return Object.entries(table)
    .filter(([, { since = 1 }]) => version.has(since))
    .map(([name, { about, since = 1 }]) => ({
      name,
      in: 'query',
      ...(about ? { description: about } : {}),
      'x-since': `1.${since}`,
      schema: STRING,
    }));
}

function requestBody(body: Body, schemas: Schemas): JsonSchema {
  if ('schema' in body) return { required: !body.optional, content: jsonOf(body.schema) };
  const schema = 'creates' in body ? schemas.created(body.creates, body.more ?? {}) : ref('Patch');
  return { required: true, content: jsonOf(schema) };
}

function content(answer: Answer, schemas: Schemas): JsonSchema {
  if ('text' in answer) return { [answer.text]: { schema: STRING } };
  if ('schema' in answer) return jsonOf(answer.schema);
  if ('one' in answer) return jsonOf(schemas.whole(answer.one));
  if ('part' in answer) return jsonOf(schemas.part(answer.part));
  const page = { [answer.key]: { type: 'array', items: schemas.part(answer.page) }, next: STRING };
  return jsonOf(objectOf(page, [answer.key]));
}

const jsonOf = (schema: JsonSchema): JsonSchema => ({ [JSON_TYPE]: { schema } });
const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

/** The schemas of the record kinds, each made at first use. */
class Schemas {
  readonly named: Record<string, JsonSchema> = {};

  constructor(private readonly version: Microversion) {}

  /** A record with all its fields. */
  whole(resource: Resource): JsonSchema {
    return this.#once(resource.name, () => objectOf(this.#properties(resource)));
  }

  /** A record with some of its fields. */
  part(resource: Resource): JsonSchema {
    return this.#once(`${resource.name}Part`, () => objectOf(this.#properties(resource), []));
  }

  /** The body of a POST. */
  created({ name, fields }: Resource, more: Readonly<Record<string, JsonSchema>>): JsonSchema {
    return this.#once(`New${name}`, () => {
      const writable = fields.filter(({ since, write }) => write?.create && this.version.has(since));
      const properties = Object.fromEntries(
        writable.map((field) => [
          field.name,
          { ...accepted(field.write!.schema), 'x-since': `1.${field.since}` },
        ]),
      );
      const required = writable.filter(({ write }) => write?.required).map((field) => field.name);
      return objectOf({ ...properties, ...more }, required);
    });
  }

  #properties({ fields }: Resource): Record<string, JsonSchema> {
    const known = fields.filter(({ since }) => this.version.has(since));
    return Object.fromEntries(
      known.map(({ name, since, type, write }) => [
        name,
        { ...(type ?? (write ? answered(write.schema) : TEXT)), 'x-since': `1.${since}` },
      ]),
    );
  }

  #once(name: string, make: () => JsonSchema): JsonSchema {
    this.named[name] ??= make();
    return ref(name);
  }
}
