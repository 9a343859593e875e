import type { Json, JsonObject } from './json.js';

/** Key parts that mark a secret (oslo.utils strutils, `_SANITIZE_KEYS`, and the contract's additions). */
const SECRET_PARTS = [
  'password',
  'passwd',
  'passphrase',
  'adminpass',
  'admin_pass',
  'new_pass',
  'secret',
  'token',
  'auth_key',
  'authkey',
  'private_key',
  'sslkey',
  'encrypted_key',
  'fernetkey',
  'kg_key',
  'sys_pswd',
  'configdrive',
];

export const MASK = '******';

export function isSecretKey(key: string): boolean {
  const lower = key.toLowerCase();
  return SECRET_PARTS.some((part) => lower.includes(part));
}

/**
 * Splits secrets out of an object.
 * @param alsoSecret more top-level keys that are secret as a whole, e.g. instance_info's image_url
 * @returns `open` with each secret replaced by `******`, and `secrets` as JSON Pointer -> value; null when none
 */
export function splitSecrets(
  object: JsonObject,
  alsoSecret: readonly string[] = [],
): { open: JsonObject; secrets: Record<string, Json> | null } {
  const secrets: Record<string, Json> = {};
  const walk = (value: Json, pointer: string): Json => {
    if (Array.isArray(value)) return value.map((item, index) => walk(item, `${pointer}/${index}`));
    if (typeof value !== 'object' || value === null) return value;
    const open: JsonObject = {};
    for (const [key, below] of Object.entries(value)) {
      const at = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      const hidden = isSecretKey(key) || (pointer === '' && alsoSecret.includes(key));
      if (hidden && below !== null) secrets[at] = below;
      define(open, key, hidden && below !== null ? MASK : walk(below, at));
    }
    return open;
  };
  const open = walk(object, '') as JsonObject;
  return { open, secrets: Object.keys(secrets).length > 0 ? secrets : null };
}

/** The inverse of `splitSecrets`. */
export function joinSecrets(open: JsonObject, secrets: Readonly<Record<string, Json>> | null): JsonObject {
  const whole = copyOf(open) as JsonObject;
  for (const [pointer, value] of Object.entries(secrets ?? {})) {
    const parts = pointer
      .slice(1)
      .split('/')
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    let at: Json | undefined = whole;
    for (const part of parts.slice(0, -1)) {
      at = typeof at === 'object' && at !== null ? (at as JsonObject)[part] : undefined;
    }
    if (typeof at === 'object' && at !== null) define(at as JsonObject, parts.at(-1)!, value);
  }
  return whole;
}

/** A third of the time of structuredClone, which handles more than JSON; a key named `__proto__` stays a key. */
function copyOf(value: Json): Json {
  if (Array.isArray(value)) return value.map(copyOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, below]) => [key, copyOf(below)]));
}

/** A key named `__proto__` stays a key. */
function define(object: JsonObject, key: string, value: Json): void {
  Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
}
