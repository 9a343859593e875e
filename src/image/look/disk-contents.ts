// The contents of the disk inside an image file, by its first bytes, through the tables of a qcow2.
import { type FileHandle, open } from 'node:fs/promises';
import { createInflateRaw, createZstdDecompress } from 'node:zlib';
import type { ImageContents } from '../../domain/image/kind.js';
import { CONTENTS_BYTES, contentsOf } from '../../protocol/image-format/contents.js';
import { formatFacts } from '../../protocol/image-format/formats.js';
import type { ImageFormat } from '../../protocol/image-format/inspection.js';
import { qcow2Start } from '../../protocol/image-format/qcow2-disk.js';

/** Reads bytes of an image from an offset, fewer at its end; undefined where they cannot be read. */
export type ReadAt = (at: number, length: number) => Promise<Uint8Array | undefined>;

/**
 * @param path of a local file
 * @param format as found by inspection
 * @returns `unseen` for formats that are not read here (vhd, vhdx, vmdk, vdi): their contents show after conversion
 */
export async function diskContents(path: string, format: ImageFormat | undefined): Promise<ImageContents> {
  const file = await open(path, 'r');
  try {
    return await contentsBehind(fileReader(file), format);
  } finally {
    await file.close();
  }
}

/** The same for a remote image. @param format an unknown one gives `unseen` */
export async function contentsBehind(read: ReadAt, format: string | undefined): Promise<ImageContents> {
  if (!formatFacts(format)?.seen) return 'unseen';
  const head = format === 'qcow2' ? await insideQcow2(read) : await read(0, CONTENTS_BYTES);
  return head ? contentsOf(head) : 'unseen';
}

async function insideQcow2(readAt: ReadAt): Promise<Uint8Array | undefined> {
  const reading = qcow2Start(CONTENTS_BYTES);
  let next = reading.next();
  while (!next.done) {
    const need = next.value;
    const answer =
      'read' in need ? await readAt(...need.read) : await unpack(need.unpack, need.bytes, need.size);
    if (!answer) return undefined;
    next = reading.next(answer);
  }
  return next.value;
}

/**
 * Unpacks one cluster; undefined for bytes that are not of the stated kind. Behind its stream the last sector may hold
 * the start of the next cluster, which breaks a whole-buffer zstd reader: reading stops at the cluster's size.
 */
async function unpack(
  kind: 'deflate' | 'zstd',
  bytes: Uint8Array,
  size: number,
): Promise<Uint8Array | undefined> {
  const stream = kind === 'deflate' ? createInflateRaw() : createZstdDecompress();
  const parts: Buffer[] = [];
  let length = 0;
  stream.end(bytes);
  try {
    for await (const part of stream as AsyncIterable<Buffer>) {
      parts.push(part);
      length += part.length;
      if (length >= size) break;
    }
  } catch (error) {
    // zlib's errors have a code: the stream is invalid, or followed by other bytes.
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
  return length < size ? undefined : Buffer.concat(parts, size);
}

function fileReader(file: FileHandle): ReadAt {
  return async (at, length) => {
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await file.read(buffer, 0, length, at);
    return buffer.subarray(0, bytesRead);
  };
}
