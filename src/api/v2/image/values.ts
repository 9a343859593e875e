// The writable values of an image: those of the attribute table; every other name is a property with a text.
import { ForbiddenError, InvalidError } from '../../../domain/errors.js';
import { isObject } from '../../../domain/json.js';
import type { ImageChanges } from '../../../persistence/image-record/image-record.repository.js';
import { attributeOf } from './attribute.js';

const RESERVED = ['location', 'deleted', 'deleted_at'];
const RESERVED_NAMESPACE = 'os_glance';
/** Named by Glance’s schema, but never writable. */
const NEVER = ['direct_url', 'self', 'file', 'schema', 'stores', 'locations'];
/** The start of Glance’s message for a reserved name. */
export const DENIED = 'Access was denied to this resource. ';
const MOST_INTEGER = 2_147_483_647;

/** @throws ForbiddenError for a name that no client may write */
export function checkWritable(name: string, how: 'create' | 'patch'): void {
  const is = attributeOf(name)?.is;
  if (NEVER.includes(name) || is === 'told' || (is === 'made' && how === 'patch'))
    throw new ForbiddenError(`Attribute '${name}' is read-only.`);
  if (RESERVED.includes(name) || name.startsWith(RESERVED_NAMESPACE))
    throw new ForbiddenError(`${how === 'create' ? DENIED : ''}Attribute '${name}' is reserved.`);
}

/** @throws InvalidError for a value that violates the schema, with Glance's texts */
export function checkValue(name: string, value: unknown): void {
  if (attributeOf(name) && typeof value === 'number' && Number.isInteger(value)) checkRange(name, value);
  if (!attributeOf(name) && name.length > 255)
    throw new InvalidError('Custom property should not be greater than 255 characters.');
  const fault = faultOf(name, value);
  if (fault) throw new InvalidError(`Provided object does not match schema 'image': ${fault}`);
}

function faultOf(name: string, value: unknown): string | null {
  const attribute = attributeOf(name);
  if (!attribute) {
    return typeof value === 'string'
      ? null
      : `${JSON.stringify(value)} is not of type 'string' (property ${name})`;
  }
  const {
    type,
    enum: choices,
    maxLength,
    pattern,
    items,
  } = attribute.schema as {
    type: string | string[];
    enum?: unknown[];
    maxLength?: number;
    pattern?: string;
    items?: { maxLength: number };
  };
  const types = [type].flat();
  if (!types.includes(typeOf(value)))
    return `${JSON.stringify(value)} is not of type ${types.map((one) => `'${one}'`).join(', ')} (${name})`;
  if (choices && !choices.includes(value))
    return `${JSON.stringify(value)} is not one of ${JSON.stringify(choices)} (${name})`;
  if (typeof value === 'string') {
    if (maxLength !== undefined && value.length > maxLength) return `${name} is too long`;
    if (pattern !== undefined && !new RegExp(pattern).test(value))
      return `${JSON.stringify(value)} does not match '${pattern}' (${name})`;
  }
  if (Array.isArray(value)) {
    const bad = value.find((one) => typeof one !== 'string' || one.length > items!.maxLength);
    if (bad !== undefined)
      return `${JSON.stringify(bad)} is no text of at most ${items!.maxLength} characters (${name})`;
  }
  return null;
}

function checkRange(name: string, value: number): void {
  if (value < 0)
    throw new InvalidError(`Invalid value '${value}' for parameter '${name}': Cannot be a negative value`);
  if (value > MOST_INTEGER)
    throw new InvalidError(`'${name}' value out of range, must not exceed ${MOST_INTEGER}.`);
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

export interface NewImage {
  id: string | undefined;
  values: ImageChanges;
  properties: Record<string, string>;
}

/** Parses the body of a creation. @throws InvalidError, ForbiddenError */
export function readNewImage(body: unknown): NewImage {
  if (body === undefined) throw new InvalidError('Body expected in request.');
  if (!isObject(body))
    throw new InvalidError(`Provided object does not match schema 'image': the body is not of type 'object'`);
  const values: Record<string, unknown> = {};
  const properties: Record<string, string> = {};
  for (const [name, value] of Object.entries(body)) {
    checkWritable(name, 'create');
    checkValue(name, value);
    if (attributeOf(name)) values[name] = value;
    else properties[name] = value as string;
  }
  const { id, ...rest } = values;
  if (Array.isArray(rest['tags'])) rest['tags'] = [...new Set(rest['tags'])];
  return { id: (id as string | undefined)?.toLowerCase(), values: rest as ImageChanges, properties };
}
