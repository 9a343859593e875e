/**
 * Names of nodes: which are valid, and which would hide a route. Source: ironic/common/utils.py, api/controllers/v1.
 */

const UUID = /^[0-9a-f]{32}$/;
const CANONICAL_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A UUID in any spelling that Python's uuid module accepts; with or without hyphens, braces or `urn:uuid:`. */
export function isUuidLike(text: string): boolean {
  return canonicalUuid(text) !== null;
}

/** @returns lower case with hyphens, or null */
export function canonicalUuid(text: string): string | null {
  if (CANONICAL_UUID.test(text)) return text;
  if (text.length > 64) return null;
  const hex = text
    .toLowerCase()
    .replace(/^urn:uuid:/, '')
    .replace(/^\{|\}$/g, '')
    .replaceAll('-', '');
  return UUID.test(hex) ? hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') : null;
}

/** RFC 3986 unreserved characters, at most 255. */
export function isLogicalName(text: string): boolean {
  return text.length <= 255 && /^[A-Za-z0-9\-._~]+$/.test(text);
}

/** The rule of microversions before 1.10. */
export function isHostName(text: string): boolean {
  return text.length <= 255 && text.replace(/\.$/, '').split('.').every(isHostLabel);
}

function isHostLabel(label: string, index: number): boolean {
  const host = index === 0 ? /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/ : /^[a-z0-9_-]{0,62}[a-z0-9]$/;
  return host.test(label);
}

/** Path segments of the API under /v1/nodes: a node of that name could not be reached. */
export const RESERVED_NODE_NAMES: readonly string[] = [
  'maintenance',
  'management',
  'states',
  'vendor_passthru',
  'detail',
  'validate',
];
