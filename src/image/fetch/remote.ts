import { FerricError } from '../../domain/errors.js';
import { parseHttpDate } from '../../domain/image/http-date.js';
import { type HttpClient, HttpFailure, type HttpResponse } from '../../platform/http-client.js';
import type { ReadAt } from '../look/disk-contents.js';

/** Bytes read at most from a server that ignores Range. */
const MOST_UNASKED = 1 << 20;

/** A server's description of an image before the fetch. */
export interface RemoteImage {
  /** Bytes; undefined where the server gives none. */
  size: number | undefined;
  /** Milliseconds since the epoch; without it no copy can be validated as fresh. */
  lastModified: number | undefined;
  etag: string | undefined;
  /** Cache-Control: no-store. */
  noStore: boolean;
}

/**
 * Asks by HEAD; where that is refused, cut off or gives no length, by GET of one byte. This covers URLs signed for GET
 * only and servers without HEAD. A server that ignores Range is disconnected after the headers.
 * @throws HttpFailure; FerricError image-refused for an empty image and beyond `maxBytes`
 */
export async function askRemote(
  client: HttpClient,
  url: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<RemoteImage> {
  const { size, headers } = (await byHead(client, url, signal)) ?? (await byGet(client, url, signal));
  if (size !== undefined) checkSize(size, maxBytes);
  const modified = headers['last-modified'];
  const control = String(headers['cache-control'] ?? '').toLowerCase();
  return {
    size,
    lastModified: typeof modified === 'string' ? parseHttpDate(modified, Date.now()) : undefined,
    etag: typeof headers['etag'] === 'string' ? headers['etag'] : undefined,
    noStore: control.split(',').some((directive) => directive.trim() === 'no-store'),
  };
}

interface Told {
  size: number | undefined;
  headers: HttpResponse['headers'];
}

/** @returns undefined where GET may give more */
async function byHead(client: HttpClient, url: string, signal: AbortSignal): Promise<Told | undefined> {
  try {
    const { status, headers, body } = await client.request({ method: 'HEAD', url, signal });
    body.destroy();
    const size = lengthOf(headers['content-length']);
    return status === 200 && size !== undefined && size > 0 ? { size, headers } : undefined;
  } catch (error) {
    if (error instanceof HttpFailure && error.fault === 'connection') return undefined;
    throw error;
  }
}

async function byGet(client: HttpClient, url: string, signal: AbortSignal): Promise<Told> {
  const asked = { range: 'bytes=0-0' };
  const { status, headers, body } = await client.request({ method: 'GET', url, headers: asked, signal });
  body.destroy();
  const range = String(headers['content-range'] ?? '');
  switch (status) {
    case 200:
      return { size: lengthOf(headers['content-length']), headers };
    case 206:
      return { size: lengthOf(/^bytes 0-0\/(\d+)$/.exec(range)?.[1]), headers };
    case 416:
      return { size: lengthOf(/^bytes \*\/(\d+)$/.exec(range)?.[1]), headers };
    default:
      throw new HttpFailure('status', url, `answered with status ${status}`);
  }
}

function lengthOf(text: string | string[] | undefined): number | undefined {
  return typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** @throws FerricError image-refused for an empty image and for one beyond the limit */
export function checkSize(size: number, maxBytes: number): void {
  if (size === 0) throw new FerricError('image-refused', 'The image is empty.');
  if (size > maxBytes)
    throw new FerricError('image-refused', `The image has ${size} bytes; the limit is ${maxBytes}.`);
}

/**
 * Reads parts of an image by Range requests (RFC 9110 §14). Where the server sends the whole instead, only its first
 * MiB is read.
 * @param size bytes, as the server announced
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
