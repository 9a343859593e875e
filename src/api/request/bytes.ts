// Bodies that are not JSON: bytes of images, streamed to their route.
import type { IncomingMessage } from 'node:http';
import { FerricError } from '../../domain/errors.js';
import { contained } from '../../platform/boundary.js';

export const BYTES = 'application/octet-stream';
const STREAMED = /^\/v2\/images\/[^/?]+\/(file|stage)(\?|$)/;

/** A body of bytes came where JSON was expected, or the reverse. */
export class MediaTypeRefused extends FerricError {
  constructor(readonly accepted: string) {
    super('invalid', `The request's body must be ${accepted}.`);
  }
}

/**
 * Whether a request's body is streamed to its route.
 * @throws MediaTypeRefused for another body there: gigabytes are not read as JSON
 */
export function isStreamed({
  method,
  url,
  headers,
}: Pick<IncomingMessage, 'headers'> & { method: string; url: string }): boolean {
  if (method !== 'PUT' || !STREAMED.test(url)) return false;
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== BYTES) throw new MediaTypeRefused(BYTES);
  return true;
}

/** For a body that is no upload. @throws MediaTypeRefused: a page may send other types without preflight (CORS) */
export function requireJson({ headers }: Pick<IncomingMessage, 'headers'>, untyped: boolean): void {
  const type = headers['content-type'];
  if (!hasBody(headers) || (type === undefined && untyped)) return;
  // Also matches the media types of the Image service's patches.
  if (!/^application\/[\w.+-]*\bjson\b[\w.+-]*\s*(;|$)/i.test(type ?? '')) {
    throw new MediaTypeRefused('application/json');
  }
}

function hasBody(headers: IncomingMessage['headers']): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}

/** Cuts a request whose body is incomplete after `timeout` ms. */
export function expire(request: IncomingMessage, timeout: number): void {
  const { headers } = request;
  if (!hasBody(headers)) return;
  const cut = () => request.destroy();
  const late = setTimeout(contained('API: slow request', cut, cut), timeout).unref();
  const done = () => clearTimeout(late);
  request.once('end', done).once('close', done);
}
