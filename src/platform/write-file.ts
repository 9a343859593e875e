import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
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
 * The same for content that is written as a stream, into a directory that exists. What a killed writer of this file has
 * left there is removed.
 * @param pour ends the stream, or destroys it
 */
export async function streamFileAtomically(
  path: string,
  mode: number,
  pour: (to: Writable) => Promise<void>,
): Promise<void> {
  await removeLeft(path);
  await replace(path, (part) => pour(createWriteStream(part, { flags: 'wx', mode, flush: true })));
}

/** ms without a write after which a part belongs to nobody any more: a writer that pauses that long has ended. */
const LEFT = 3_600_000;

/** Parts of other writers of the same file, and other files, stay. */
async function removeLeft(path: string): Promise<void> {
  const directory = dirname(path);
  const before = `.${basename(path)}.`;
  for (const name of await readdir(directory)) {
    if (!name.startsWith(before) || !/^[0-9a-f]{12}\.part$/.test(name.slice(before.length))) continue;
    const part = join(directory, name);
    // Its writer may end at this moment.
    const written = await lstat(part).then(
      ({ mtimeMs }) => mtimeMs,
      () => Date.now(),
    );
    if (Date.now() - written > LEFT) await rm(part, { force: true });
  }
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
