import { InvalidError } from '../errors.js';
import type { Json, JsonObject } from '../json.js';

/** The part of RFC 6902 that the API accepts. */
export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove';
  /** JSON Pointer, never empty. */
  readonly path: string;
  readonly value?: Json;
}

/**
 * @param escapes whether `~0` and `~1` stand for `~` and `/`
 * @returns the pointer's parts, at least one
 */
export function pathParts(path: string, escapes: boolean): [string, ...string[]] {
  const parts = path.slice(1).split('/');
  if (escapes) {
    for (const [at, part] of parts.entries()) parts[at] = part.replaceAll('~1', '/').replaceAll('~0', '~');
  }
  return parts as [string, ...string[]];
}

/**
 * Applies the operations in order to a copy.
 * @throws InvalidError with Ironic's message at the first that fails; the value, which may be secret, is not quoted
 */
export function applyPatch(
  document: JsonObject,
  patch: readonly PatchOperation[],
  escapes: boolean,
): JsonObject {
  const root = structuredClone(document);
  for (const operation of patch) {
    const refuse = (reason: string) =>
      new InvalidError(
        `Couldn't apply patch '{'op': '${operation.op}', 'path': '${operation.path}'}'. Reason: ${reason}`,
      );
    const parts = pathParts(operation.path, escapes);
    if (parts.includes('__proto__')) throw refuse(`member '__proto__' is not allowed`);
    let at: Json = root;
    for (const part of parts.slice(0, -1)) {
      const below = member(at, part);
      if (below === undefined) throw refuse(`member '${part}' not found`);
      at = below;
    }
    const reason = Array.isArray(at)
      ? applyToList(at, parts.at(-1)!, operation)
      : applyToObject(at, parts.at(-1)!, operation);
    if (reason) throw refuse(reason);
  }
  return root;
}

function member(at: Json, part: string): Json | undefined {
  if (Array.isArray(at)) return isIndex(part) ? at[Number(part)] : undefined;
  if (at === null || typeof at !== 'object') return undefined;
  return Object.hasOwn(at, part) ? at[part] : undefined;
}

/** @returns the fault, null for none */
function applyToObject(at: Json, key: string, operation: PatchOperation): string | null {
  if (at === null || typeof at !== 'object' || Array.isArray(at)) {
    return `the parent of '${key}' is not an object`;
  }
  if (operation.op === 'add') {
    define(at, key, operation.value!);
    return null;
  }
  if (!Object.hasOwn(at, key)) return `can't ${operation.op} a non-existent object '${key}'`;
  if (operation.op === 'remove') delete at[key];
  else define(at, key, operation.value!);
  return null;
}

function applyToList(at: Json[], key: string, operation: PatchOperation): string | null {
  const last = operation.op === 'add' ? at.length : at.length - 1;
  const index = operation.op === 'add' && key === '-' ? at.length : isIndex(key) ? Number(key) : -1;
  if (index < 0) return `'${key}' is not a valid sequence index`;
  if (index > last) {
    return operation.op === 'add'
      ? "can't insert outside of list"
      : `can't ${operation.op} a non-existent object '${key}'`;
  }
  if (operation.op === 'add') at.splice(index, 0, operation.value!);
  else if (operation.op === 'remove') at.splice(index, 1);
  else at[index] = operation.value!;
  return null;
}

function isIndex(part: string): boolean {
  return /^(0|[1-9]\d{0,8})$/.test(part);
}

function define(object: JsonObject, key: string, value: Json): void {
  Object.defineProperty(object, key, {
    value: structuredClone(value),
    enumerable: true,
    writable: true,
    configurable: true,
  });
}

/** Deep equality of JSON values; the order of keys has no meaning. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  const right = b as JsonObject;
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(right, key) && sameJson((a as JsonObject)[key], right[key]))
  );
}
