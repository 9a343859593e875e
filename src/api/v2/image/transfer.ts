// Transfer of image bytes over HTTP, in both directions.
import { open } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { CancelledError } from '../../../domain/errors.js';
import { contained } from '../../../platform/boundary.js';
import { sendFile } from '../../../platform/send-file.js';
import { select } from '../../../protocol/http/select.js';
import type { ApiReply, ApiRequest } from '../../request/asked.js';

/** Milliseconds for which the rest of a refused upload is discarded: only then does the client read the answer. */
const DRAIN = 60_000;

/**
 * The chunks of a body, each valid until the next is requested. A client that disconnects, or sends nothing for `idle`
 * ms, ends them with an error.
 * @throws CancelledError
 */
export async function* chunksOf(body: IncomingMessage, idle: number): AsyncGenerator<Uint8Array> {
  const cut = () => body.destroy();
  const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  try {
    for (;;) {
      // Only while waiting for a chunk: a disk slower than the client is not silence.
      const silence = setTimeout(contained('images: silent upload', cut, cut), idle);
      const { done, value } = await chunks.next().finally(() => clearTimeout(silence));
      if (done) break;
      yield value;
      release(value);
    }
  } catch (error) {
    throw new CancelledError('The upload was cut off.', { cause: error });
  } finally {
    // While the iterator listens, nothing else can read the rest of the body.
    await chunks.return?.();
  }
  if (!body.complete) throw new CancelledError('The upload was cut off.');
}

/**
 * Frees the memory of a chunk at once. Left to the garbage collector, each 64 MiB of chunks makes V8 mark the whole
 * heap, which costs as much as all digests.
 */
function release({ buffer, byteLength }: Buffer): void {
  // Chunks of a body are copies of their own (node_http_parser.cc); a part of a larger buffer has other users.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

/** Reads a refused upload for a while, so that the client reads the reason instead of a broken pipe. */
export function drain(body: IncomingMessage): void {
  if (body.readableEnded || body.destroyed) return;
  body.on('error', () => undefined);
  const cut = () => body.destroy();
  const late = setTimeout(contained('images: refused upload', cut, cut), DRAIN);
  late.unref();
  body.once('close', () => clearTimeout(late));
  body.once('end', () => clearTimeout(late));
  body.resume();
}

export interface Download {
  path: string;
  size: number;
  /** MD5, lower-case hex. */
  checksum: string;
  sha512: string;
  /** ms. */
  modified: number;
}

/** Answers with a file, or with the requested part of it. */
export async function sendImage(request: ApiRequest, reply: ApiReply, image: Download): Promise<void> {
  const { headers } = request.raw;
  const version = { size: image.size, etag: `"${image.sha512}"`, modified: image.modified };
  const selected = select(version, {
    range: headers.range,
    ifRange: headers['if-range'] as string | undefined,
    ifNoneMatch: headers['if-none-match'],
    ifModifiedSince: headers['if-modified-since'],
  });
  // Opened before the head is sent: deleting the image does not affect this answer.
  const file = await open(image.path, 'r');
  try {
    const { raw } = reply.hijack();
    const common = { ...reply.getHeaders(), 'accept-ranges': 'bytes', etag: version.etag } as Record<
      string,
      string
    >;
    if (selected.status === 304 || selected.status === 416) {
      const more =
        selected.status === 416 ? { 'content-range': `bytes */${image.size}`, 'content-length': '0' } : {};
      raw.writeHead(selected.status, { ...common, ...more }).end();
      return;
    }
    const { status, start, length } = selected;
    raw.writeHead(status, {
      ...common,
      'content-type': 'application/octet-stream',
      'content-length': length,
      ...(status === 206
        ? { 'content-range': `bytes ${start}-${start + length - 1}/${image.size}` }
        : { 'content-md5': image.checksum }),
    });
    try {
      if (request.method !== 'HEAD' && length > 0) await sendFile(file, start, length, raw);
      raw.end();
    } catch {
      // After the head was sent, only a cut connection can signal that the body is incomplete.
      raw.destroy();
    }
  } finally {
    await file.close();
  }
}
