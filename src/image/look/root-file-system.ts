import { type FileHandle, open } from 'node:fs/promises';
import { findInExt, isExt, UnreadableFileSystem } from '../../protocol/file-system/ext.js';

const HEAD = 2048;
/** Bytes per read: neighbouring structures are read one after the other. */
const PAGE = 65_536;
const MOST_PAGES = 64;

/**
 * Which of these paths a file system in a raw image has. Nothing is mounted and no other program reads the image.
 * @param path of a local file
 * @returns why it could not be read, for file systems other than ext2, ext3 and ext4 among others
 */
export async function pathsInImage(
  path: string,
  paths: readonly string[],
): Promise<{ found: ReadonlySet<string> } | { unseen: string }> {
  const file = await open(path, 'r');
  try {
    const pages = new Map<number, Buffer>();
    if (!isExt(await readAt(file, 0, HEAD))) return { unseen: 'its file system is not ext2, ext3 or ext4' };
    const reading = findInExt(paths);
    let next = reading.next();
    while (!next.done) next = reading.next(await paged(file, pages, ...next.value));
    return { found: next.value };
  } catch (error) {
    if (error instanceof UnreadableFileSystem) return { unseen: error.message };
    throw error;
  } finally {
    await file.close();
  }
}

async function paged(
  file: FileHandle,
  pages: Map<number, Buffer>,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const first = Math.floor(offset / PAGE);
  const last = Math.floor((offset + length - 1) / PAGE);
  const parts: Buffer[] = [];
  for (let number = first; number <= last; number++) {
    let page = pages.get(number);
    if (!page) {
      page = await readAt(file, number * PAGE, PAGE);
      if (pages.size >= MOST_PAGES) pages.delete(pages.keys().next().value!);
      pages.set(number, page);
    }
    parts.push(page);
  }
  const start = offset - first * PAGE;
  return Buffer.concat(parts).subarray(start, start + length);
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  // A damaged file system may refer to any offset.
  if (!Number.isSafeInteger(offset)) return Buffer.alloc(0);
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, offset);
  return buffer.subarray(0, bytesRead);
}
