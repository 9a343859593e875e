import { FerricError } from '../domain/errors.js';
import { parseHttpDate } from '../domain/image/http-date.js';
import { type HttpClient, HttpFailure } from '../platform/http-client.js';

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
