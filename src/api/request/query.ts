import { FerricError, InvalidError } from '../../domain/errors.js';
import type { Microversion } from '../microversion/microversion.js';
import type { Query } from './asked.js';
import { refuseText } from './body.js';
import { shorten, stringList } from './value.js';

/** A query parameter of a route. */
export interface Parameter<T = unknown> {
  /** First microversion that knows it; older requests that use it are answered 406. */
  readonly since?: number;
  /** The refusal does not name the version, as for the oldest parameters. */
  readonly hidesVersion?: true;
  readonly read: (name: string, text: string) => T;
  /** For the documentation. */
  readonly about?: string;
}
export type ParameterTable = Readonly<Record<string, Parameter>>;
export type Arguments<Table extends ParameterTable> = {
  [Name in keyof Table]?: Table[Name] extends Parameter<infer T> ? T : never;
};

const MOST_PARAMETERS = 64;

/** Fastify's query parser: it never throws, since the handler's table judges. */
export function parseQuery(text: string): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of new URLSearchParams(text)) {
    const before = query[name];
    if (before === undefined) query[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else query[name] = [before, value];
  }
  return query;
}

/** A list given in parts is joined, as in Ironic since 24.1 and as gophercloud sends it. */
function oneOf(name: string, value: string | readonly string[], { read }: Parameter): string {
  if (typeof value === 'string') return value;
  if (read === stringList) return value.join(',');
  throw new InvalidError(`The parameter ${name} was given more than once.`);
}

/**
 * Reads the query by the route's table.
 * @throws InvalidError naming an unknown, repeated or malformed parameter; FerricError not-acceptable
 */
export function readQuery<Table extends ParameterTable>(
  query: Query,
  table: Table,
  version: Microversion,
): Arguments<Table> {
  const names = Object.keys(query);
  if (names.length > MOST_PARAMETERS) throw new InvalidError('Too many query parameters.');
  const unknown = names.filter((name) => !Object.hasOwn(table, name)).map(shorten);
  if (unknown.length > 0) throw new InvalidError(`Unexpected arguments: ${unknown.join(', ')}`);
  const read: Record<string, unknown> = {};
  for (const name of names) {
    const value = oneOf(name, query[name]!, table[name]!);
    refuseText(value, name);
    if (value.includes('\uFFFD')) throw new InvalidError(`The parameter ${name} is not UTF-8.`);
    const parameter = table[name]!;
    const parsed = parameter.read(name, value);
    if (parameter.since !== undefined && !version.has(parameter.since)) {
      const hint = parameter.hidesVersion
        ? ''
        : ` The minimal required API version should be 1.${parameter.since}`;
      throw new FerricError('not-acceptable', `Request not acceptable.${hint}`);
    }
    read[name] = parsed;
  }
  return read as Arguments<Table>;
}
