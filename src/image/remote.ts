import { FerricError } from '../domain/errors.js';
import { parseHttpDate } from '../domain/image/http-date.js';
import { type HttpClient, HttpFailure } from '../platform/http-client.js';
import type { ReadAt } from './disk-contents.js';

/** What a server that does not know ranges may be made to send. */
const MOST_UNASKED = 1 << 20;

/** What a server says about an image before it is fetched. */
export interface RemoteImage {
  /** Bytes. */
  size: number;
  /** Milliseconds since the epoch; without it no copy can be known to be fresh. */
  lastModified: number | undefined;
  etag: string | undefined;
  /** Cache-Control: no-store. */
  noStore: boolean;
}

/**
 * @throws HttpFailure; FerricError image-unavailable for an answer without Content-Length, image-refused beyond
 * `maxBytes`
 */
export async function askRemote(
  client: HttpClient,
  url: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<RemoteImage> {
  const { status, headers, body } = await client.request({ method: 'HEAD', url, signal });
  body.destroy();
  if (status !== 200) throw new HttpFailure('status', url, `answered HEAD with status ${status}`);
  const length = headers['content-length'];
  if (typeof length !== 'string' || !/^\d{1,15}$/.test(length))
    throw new HttpFailure('status', url, 'answered HEAD without Content-Length');
  const size = Number(length);
  checkSize(size, maxBytes);
  const modified = headers['last-modified'];
  const control = String(headers['cache-control'] ?? '').toLowerCase();
  return {
    size,
    lastModified: typeof modified === 'string' ? parseHttpDate(modified, Date.now()) : undefined,
    etag: typeof headers['etag'] === 'string' ? headers['etag'] : undefined,
    noStore: control.split(',').some((directive) => directive.trim() === 'no-store'),
  };
}

/** @throws FerricError image-refused for an empty image and for one beyond the limit */
export function checkSize(size: number, maxBytes: number): void {
  if (size === 0) throw new FerricError('image-refused', 'The image is empty.');
  if (size > maxBytes)
    throw new FerricError('image-refused', `The image has ${size} bytes; the limit is ${maxBytes}.`);
}

/**
 * Reads single places of an image by Range requests (RFC 9110 §14). Where the server sends the whole instead, only its
 * first MiB is read.
 * @param size bytes, as HEAD told
 */
export function rangeReader(client: HttpClient, url: string, size: number, signal: AbortSignal): ReadAt {
  return async (at, length) => {
    const end = Math.min(at + length, size);
    if (at >= end) return new Uint8Array(0);
    const headers = { range: `bytes=${at}-${end - 1}`, 'accept-encoding': 'identity' };
    const { status, headers: told, body } = await client.request({ method: 'GET', url, headers, signal });
    try {
      if (status !== 200 && status !== 206)
        throw new HttpFailure('status', url, `answered GET with status ${status}`);
      if (status === 206 && !String(told['content-range'] ?? '').startsWith(`bytes ${at}-`))
        throw new HttpFailure('status', url, 'answered with another range than was asked for');
      const from = status === 206 ? 0 : at;
      if (status === 200 && end > MOST_UNASKED) return undefined;
      return await firstOf(body, from + end - at).then((bytes) => bytes.subarray(from));
    } catch (error) {
      throw client.failureOf(error, url, signal);
    } finally {
      body.destroy();
    }
  };
}

async function firstOf(body: AsyncIterable<Buffer>, length: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let have = 0;
  for await (const part of body) {
    parts.push(part);
    have += part.length;
    if (have >= length) break;
  }
  return Buffer.concat(parts).subarray(0, length);
}
