// Bodies that are no JSON: bytes of images, handed to their route as they come.
import type { IncomingMessage } from 'node:http';
import { FerricError } from '../../domain/errors.js';
import { contained } from '../../platform/boundary.js';

export const BYTES = 'application/octet-stream';
const STREAMED = /^\/v2\/images\/[^/?]+\/(file|stage)(\?|$)/;

/** Bytes came where something else was wanted, or the other way about. */
export class MediaTypeRefused extends FerricError {
  constructor(readonly accepted: string) {
    super('invalid', `The request's body must be ${accepted}.`);
  }
}

/**
 * Whether a request's body goes to its route unread.
 * @throws MediaTypeRefused for another body there: nobody reads gigabytes as JSON
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

/** The parts of Fastify’s request that its parser of bytes looks at. */
export type StreamRequest = Parameters<typeof isStreamed>[0] & { routeOptions: { bodyLimit: number } };

/** The whole body. @throws Error of status 413 */
export async function readAll(payload: AsyncIterable<Buffer>, most: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of payload) {
    size += part.length;
    if (size > most) throw Object.assign(new Error('too large'), { statusCode: 413 });
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Cuts a request whose body has not come after `timeout` ms. */
export function expire(request: IncomingMessage, timeout: number): void {
  const { headers } = request;
  if (headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0) return;
  const late = setTimeout(
    contained('API: slow request', () => request.destroy()),
    timeout,
  ).unref();
  const done = () => clearTimeout(late);
  request.once('end', done).once('close', done);
}
