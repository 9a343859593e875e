// What is on the disk inside an image file: a look at its first bytes, through the tables of a qcow2.
import { type FileHandle, open } from 'node:fs/promises';
import { createInflateRaw, createZstdDecompress } from 'node:zlib';
import type { ImageContents } from '../../domain/image/kind.js';
import { CONTENTS_BYTES, contentsOf } from '../../protocol/image-format/contents.js';
import { formatFacts } from '../../protocol/image-format/formats.js';
import type { ImageFormat } from '../../protocol/image-format/inspection.js';
import { qcow2Start } from '../../protocol/image-format/qcow2-disk.js';

/** Bytes of an image from a place on, fewer where it ends; undefined where they cannot be had. */
export type ReadAt = (at: number, length: number) => Promise<Uint8Array | undefined>;

/**
 * @param path a file of ours
 * @param format as its inspection found it
 * @returns `unseen` for formats that are not read here (vhd, vhdx, vmdk, vdi): they are known once converted
 */
export async function diskContents(path: string, format: ImageFormat | undefined): Promise<ImageContents> {
  const file = await open(path, 'r');
  try {
    return await contentsBehind(fileReader(file), format);
  } finally {
    await file.close();
  }
}

/** The same of an image that lies elsewhere. @param format anything else than a format that is known is `unseen` */
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
 * One cluster, unpacked; undefined for bytes that are not what they were said to be. Behind its own stream the last
 * sector may hold the next cluster's, at which a whole-buffer zstd reader stumbles: reading ends with the cluster.
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
    // zlib's own errors have a code: no such stream, or what stands behind it is none.
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
