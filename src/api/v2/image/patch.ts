// Changes of an image: the two patch forms of Glance (draft 4 and draft 10 of JSON Patch), each a list of operations on
// single members. glance/api/v2/images.py.
import { ConflictError, ForbiddenError, InvalidError } from '../../../domain/errors.js';
import { isObject } from '../../../domain/json.js';
import type { ImageRecord } from '../../../persistence/image-record/image-record.entity.js';
import type { ImageChanges } from '../../../persistence/image-record/image-record.repository.js';
import { MediaTypeRefused } from '../../request/bytes.js';
import { attributeOf } from './attribute.js';
import { checkValue, checkWritable, DENIED } from './values.js';

const DRAFTS: Readonly<Record<string, 4 | 10>> = {
  'application/openstack-images-v2.0-json-patch': 4,
  'application/openstack-images-v2.1-json-patch': 10,
};
/** The start of Glance's conflict messages. */
const CONFLICT = 'There was a conflict when trying to complete your request. ';
const OPERATIONS = ['add', 'remove', 'replace'] as const;
type Operation = (typeof OPERATIONS)[number];

export interface ImageChange {
  op: Operation;
  name: string;
  value: unknown;
  draft: 4 | 10;
}

/** @throws MediaTypeRefused, InvalidError, ForbiddenError for a name that no client may write */
export function readImagePatch(contentType: string | undefined, body: unknown): ImageChange[] {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const draft = DRAFTS[type];
  if (draft === undefined) throw new MediaTypeRefused(Object.keys(DRAFTS).join(', '));
  if (body === undefined) throw new InvalidError('Body expected in request.');
  if (!Array.isArray(body)) throw new InvalidError('Request body must be a JSON array of operation objects.');
  return body.map((raw) => readChange(raw, draft));
}

function readChange(raw: unknown, draft: 4 | 10): ImageChange {
  if (!isObject(raw)) throw new InvalidError('Operations must be JSON objects.');
  const members = raw as Record<string, unknown>;
  const op = draft === 10 ? opOf10(members) : opOf4(members);
  const pointer = draft === 10 ? members['path'] : members[op];
  if (pointer === undefined) throw new InvalidError(`Unable to find 'path' in JSON Schema change`);
  const name = nameOf(pointer);
  if (op !== 'remove' && !('value' in members))
    throw new InvalidError(`Operation "${op}" requires a member named "value".`);
  checkWritable(name, 'patch');
  if (op !== 'remove') checkValue(name, members['value']);
  return { op, name, value: members['value'], draft };
}

function opOf10({ op }: Record<string, unknown>): Operation {
  const known = OPERATIONS.find((one) => one === op);
  if (known) return known;
  const available = `It must be one of the following: ${OPERATIONS.join(', ')}.`;
  if (op === undefined) throw new InvalidError(`Unable to find \`op\` in JSON Schema change. ${available}`);
  throw new InvalidError(`Invalid operation: \`${String(op)}\`. ${available}`);
}

function opOf4(members: Record<string, unknown>): Operation {
  const named = OPERATIONS.filter((op) => op in members);
  if (named.length === 1) return named[0]!;
  throw new InvalidError(
    `Operation objects must contain ${named.length === 0 ? 'exactly' : 'only'} one member named "add", "remove", or "replace".`,
  );
}

/** A JSON Pointer (RFC 6901) of one segment: an image's members are texts, and a list that is replaced as a whole. */
function nameOf(pointer: unknown): string {
  if (typeof pointer !== 'string' || !pointer.startsWith('/'))
    throw new InvalidError(`Pointer \`${String(pointer)}\` does not start with "/".`);
  if (/~([^01]|$)/.test(pointer))
    throw new InvalidError(`Pointer \`${pointer}\` contains "~" not part of a recognized escape sequence.`);
  const parts = pointer.slice(1).split('/');
  if (parts.length !== 1 || parts[0]!.trim() === '')
    throw new InvalidError(`Invalid JSON pointer for this resource: '${pointer}'`);
  return parts[0]!.replaceAll('~1', '/').replaceAll('~0', '~').trim();
}

/** Applies changes in order. @throws ConflictError, ForbiddenError */
export function applyImagePatch(image: ImageRecord, changes: readonly ImageChange[]): ImageChanges {
  const values: Record<string, unknown> = {};
  const properties = { ...image.properties };
  for (const { op, name, value, draft } of changes) {
    if (attributeOf(name)) {
      if (op === 'remove') throw new ForbiddenError(`${DENIED}Property ${name} may not be removed.`);
      if (op === 'add' && draft === 4)
        throw new ConflictError(`${CONFLICT}Property ${name} already present.`);
      if (
        (name === 'disk_format' || name === 'container_format') &&
        !['queued', 'importing'].includes(image.status)
      )
        throw new ForbiddenError(`Attribute ${name} can be only replaced for a queued image.`);
      values[name] = name === 'tags' ? [...new Set(value as string[])] : value;
      continue;
    }
    const isThere = Object.hasOwn(properties, name);
    if (op !== 'add' && !isThere) throw new ConflictError(`${CONFLICT}Property ${name} does not exist.`);
    if (op === 'add' && isThere && draft === 4)
      throw new ConflictError(`${CONFLICT}Property ${name} already present.`);
    if (op === 'remove') delete properties[name];
    else properties[name] = value as string;
  }
  return { ...(values as ImageChanges), ...(changes.length > 0 ? { properties } : {}) };
}
