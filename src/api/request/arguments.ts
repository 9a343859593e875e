import { InvalidError } from '../../domain/errors.js';
import { boolean } from './value.js';

/** Reads single arguments of a body that is an object, with Ironic's error texts. */

type Body = Readonly<Record<string, unknown>>;

/** @throws InvalidError for keys that the route does not know */
export function refuseUnknown(body: Body, known: readonly string[]): void {
  const unknown = Object.keys(body).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new InvalidError(`Unexpected arguments: ${unknown.slice(0, 10).join(', ').slice(0, 200)}`);
  }
}

export function required<T>(name: string, value: T | null): T {
  if (value === null) throw new InvalidError(`Missing mandatory parameter: ${name}`);
  return value;
}

/** @param max characters */
export function readText(body: Body, name: string, max: number): string | null {
  const value = body[name] ?? null;
  if (value === null) return null;
  if (typeof value !== 'string') throw new InvalidError(`Expected string for ${name}: ${shown(value)}`);
  if (value.length > max) throw new InvalidError(`${name} is longer than ${max} characters`);
  return value;
}

/** A value of the wrong type for a message; never an object's content, which may be secret. */
function shown(value: unknown): string {
  return typeof value === 'object' ? 'an object' : String(value);
}

export function readFlag(body: Body, name: string): boolean | null {
  const value = body[name] ?? null;
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'string' || typeof value === 'number') return boolean(name, String(value));
  throw new InvalidError(`Expected a boolean for ${name}`);
}

export function readInteger(body: Body, name: string): number | null {
  const value = body[name] ?? null;
  if (value === null) return null;
  const number = typeof value === 'string' && /^[+-]?\d{1,9}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number) || Math.abs(number) > 2 ** 31 - 1) {
    throw new InvalidError(`Expected an integer for ${name}: ${String(value).slice(0, 100)}`);
  }
  return number;
}
