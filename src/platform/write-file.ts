import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Writable } from 'node:stream';

/**
 * Replaces a file atomically: a reader finds the whole old or the whole new content, even after a power cut.
 * Its directory is created.
 * @param path absolute
 */
export async function writeFileAtomically(
  path: string,
  content: string | Uint8Array,
  mode = 0o644,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await replace(path, async (part) => {
    const file = await open(part, 'wx', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
  });
}

/**
 * The same for content that is written as a stream, into a directory that exists.
 * @param pour ends the stream, or destroys it
 */
export async function streamFileAtomically(
  path: string,
  mode: number,
  pour: (to: Writable) => Promise<void>,
): Promise<void> {
  await replace(path, (part) => pour(createWriteStream(part, { flags: 'wx', mode, flush: true })));
}

/**
 * @param write creates the file, exclusively: its name is unguessable, so it is neither one that somebody else put
 * there nor that of another writer
 */
async function replace(path: string, write: (part: string) => Promise<void>): Promise<void> {
  const directory = dirname(path);
  const part = join(directory, `.${basename(path)}.${randomBytes(6).toString('hex')}.part`);
  try {
    await write(part);
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  const parent = await open(directory, 'r');
  try {
    await parent.sync();
  } finally {
    await parent.close();
  }
}
