import { isObject } from '../json.js';
/** A body that violates the agent protocol: which field, and why. */
export class MalformedBody extends Error {
  constructor(
    readonly field: string,
    readonly reason: string,
  ) {
    super(`${field || 'body'}: ${reason}`);
    this.name = 'MalformedBody';
  }
}

export type UncheckedObject = Readonly<Record<string, unknown>>;

export function requireObject(value: unknown, field: string): UncheckedObject {
  if (!isObject(value)) throw new MalformedBody(field, 'must be an object');
  return value;
}

export function requireString(value: unknown, field: string): string {
  if (typeof value !== 'string' || value === '') throw new MalformedBody(field, 'must be a non-empty string');
  return value;
}

/** Absent and null are equal in this protocol. */
export function optionalString(value: unknown, field: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw new MalformedBody(field, 'must be a string');
  return value;
}

export function optionalBoolean(value: unknown, field: string): boolean | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw new MalformedBody(field, 'must be a boolean');
  return value;
}
