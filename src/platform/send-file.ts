import type { FileHandle } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { contained } from './boundary.js';

/** Bytes read at once: large while few transfers run, small while many do, to limit their memory. */
const CHUNK = 256 * 1024;
const SMALL_CHUNK = 32 * 1024;
const RUSH = 24;
let active = 0;
/** Buffers without a transfer; only a few are kept, so that a rush does not hold its memory for ever. */
const spare: Buffer[] = [];
const MAX_SPARE = 16;

/**
 * Writes a part of a file: the next chunk is read while the kernel takes the one before. Returns when the last byte
 * has been taken; does not end the stream.
 * @throws Error when the file is shorter than requested or the peer is gone
 */
export async function sendFile(
  handle: Pick<FileHandle, 'read'>,
  start: number,
  length: number,
  to: Writable,
): Promise<void> {
  const chunk = active >= RUSH || length <= SMALL_CHUNK ? SMALL_CHUNK : CHUNK;
  const take = () => (chunk === CHUNK ? spare.pop() : undefined) ?? Buffer.allocUnsafeSlow(chunk);
  const buffers = [take(), take()];
  active++;
  let written: Promise<void> = Promise.resolve();
  try {
    for (let at = 0, turn = 0; at < length; turn ^= 1) {
      const buffer = buffers[turn] as Buffer;
      const want = Math.min(chunk, length - at);
      const { bytesRead } = await handle.read(buffer, 0, want, start + at);
      // The other buffer is free only once its write has finished.
      await written;
      if (bytesRead === 0) throw new Error('the file became shorter');
      written = write(to, buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
    await written;
    if (chunk === CHUNK) for (const buffer of buffers) if (spare.length < MAX_SPARE) spare.push(buffer);
  } catch (error) {
    // The stream may still use the buffers: they are left to the garbage collector.
    await written.catch(() => undefined);
    throw error;
  } finally {
    active--;
  }
}

function write(to: Writable, bytes: Buffer): Promise<void> {
  const written = new Promise<void>((resolve, reject) => {
    if (to.destroyed) {
      reject(new Error('the client is gone'));
      return;
    }
    const left = () => reject(new Error('the client is gone'));
    const gone = contained('a file’s reader', left, left);
    to.once('close', gone);
    to.write(bytes, (error) => {
      to.off('close', gone);
      if (error) reject(error);
      else resolve();
    });
  });
  // Awaited a turn later; until then this handler keeps a failure from being unhandled.
  written.catch(() => undefined);
  return written;
}
