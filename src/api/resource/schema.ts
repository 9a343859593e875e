import { z } from 'zod';
import type { JsonObject } from '../../domain/json.js';
import { canonicalUuid } from '../../domain/node/name.js';
import { isMacAddress, notABoolean, readBoolean, shorten } from '../request/value.js';

/**
 * Schemas of fields that clients write. Their messages are jsonschema's, as in Ironic's answers. `{name}` in a message
 * is replaced by the field's name; a message with it has no prefix.
 */

const json: z.ZodType<unknown> = z.unknown();
type Issue = { input?: unknown };

const notOf = (types: string) => (issue: Issue) => `${describe(issue.input)} is not of type ${types}`;

/** A value in a message: never an object's content, which may be secret. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return `'${shorten(value)}'`;
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  return value === true ? 'True' : value === false ? 'False' : value === null ? 'None' : String(value);
}

const limited = (max: number, min: number, types: string) =>
  z
    .string({ error: notOf(types) })
    .min(min, { error: (issue) => `${describe(issue.input)} is too short` })
    .max(max, { error: (issue) => `${describe(issue.input)} is too long` });

/** @param max characters */
export const text = (max = 255) => limited(max, 0, "'string', 'null'").nullable();
export const nonEmptyText = (max = 255) => limited(max, 1, "'string', 'null'").nullable();
export const requiredText = (max = 255) => limited(max, 0, "'string'");

/** true, false, null or one of oslo's words for them. */
export const flag = () =>
  z
    .union([z.boolean(), z.string(), z.null()], { error: notOf("'string', 'boolean', 'null'") })
    .transform((value, context) => {
      if (typeof value !== 'string') return value;
      const read = readBoolean(value);
      if (read !== null) return read;
      context.addIssue({ code: 'custom', message: notABoolean('{name}', value) });
      return z.NEVER;
    });

/** Any object. Messages do not quote it: it may hold secrets. */
export const object = (): z.ZodType<JsonObject | null> =>
  z
    .record(z.string(), json, {
      error: (issue) => `a ${kindOf(issue.input)} is not of type 'object', 'null'`,
    })
    .nullable() as z.ZodType<JsonObject | null>;

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'list' : typeof value;
}

const canonical = (types: string) =>
  z.string({ error: notOf(types) }).transform((value, context) => {
    const uuid = canonicalUuid(value);
    if (uuid !== null) return uuid;
    context.addIssue({ code: 'custom', message: `Expected UUID for {name}: ${shorten(value)}` });
    return z.NEVER;
  });
export const uuid = () => canonical("'string', 'null'").nullable();
export const requiredUuid = () => canonical("'string'");

/** A whole number that fits a column of 32 bits. */
export const integer = () =>
  z
    .int({ error: notOf("'integer'") })
    .min(-(2 ** 31), { error: (issue) => `${describe(issue.input)} is out of range` })
    .max(2 ** 31 - 1, { error: (issue) => `${describe(issue.input)} is out of range` });

export const macAddress = () =>
  z.string({ error: notOf("'string'") }).transform((value, context) => {
    if (!isMacAddress(value)) {
      context.addIssue({
        code: 'custom',
        message: `Expected valid MAC address for {name}: ${shorten(value)}`,
      });
    }
    return value.toLowerCase();
  });

/** true, false or null, but no words for them. */
export const strictFlag = () => z.boolean({ error: notOf("'boolean', 'null'") }).nullable();

/** A text of 1 to 255 characters. @param pattern for the whole text */
export const wordOf = (pattern: RegExp) =>
  limited(255, 1, "'string'").regex(pattern, {
    error: (issue) => `${describe(issue.input)} does not match '${pattern.source}'`,
  });
