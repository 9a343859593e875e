import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { FerricError } from '../../domain/errors.js';

export interface OpenFile {
  handle: FileHandle;
  stats: Stats;
}

/** This process's open files: a path below an open directory replaces openat(2), which Node.js lacks. */
const OPEN_FILES = '/proc/self/fd';

// O_NONBLOCK: opening a FIFO must not block a thread of the file pool until a writer appears.
const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY;

/** Errors that mean: no regular file that can be read. */
const ABSENT = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EISDIR', 'EACCES', 'ENAMETOOLONG'];

/** @throws FerricError where /proc is missing, without which files below a root cannot be opened */
export async function checkOpening(): Promise<void> {
  await stat(OPEN_FILES).catch((cause: unknown) => {
    throw new FerricError(
      'invalid',
      `${OPEN_FILES} is not there: boot files cannot be served without /proc`,
      {
        cause,
      },
    );
  });
}

/**
 * Opens a published file for reading. The path is never the client's.
 * @param roots directories, one of which must contain a path of the database: no component below the root is followed
 *   through a symbolic link, even if it is exchanged meanwhile. Null for the operator's own files, which may be links
 * @returns null when there is no such regular file
 */
export async function openPublished(path: string, roots: readonly string[] | null): Promise<OpenFile | null> {
  let handle: FileHandle | null = null;
  try {
    handle = roots === null ? await open(await realpath(path), FILE) : await openBelow(roots, path);
    const stats = await handle?.stat();
    if (handle && stats?.isFile()) return { handle, stats };
  } catch (error) {
    if (!ABSENT.includes((error as NodeJS.ErrnoException).code ?? '')) {
      await handle?.close();
      throw error;
    }
  }
  await handle?.close();
  return null;
}

/** Opens directory after directory, each relative to the one before. */
async function openBelow(roots: readonly string[], path: string): Promise<FileHandle | null> {
  const root = roots.map((one) => join(resolve(one), '/')).find((one) => path.startsWith(one));
  const parts = root === undefined ? [] : path.slice(root.length).split('/');
  const name = parts.pop();
  if (root === undefined || !name || [...parts, name].some((part) => ['', '.', '..'].includes(part)))
    return null;
  let folder = await open(root, FOLDER);
  try {
    for (const part of parts) {
      const next = await open(`${OPEN_FILES}/${folder.fd}/${part}`, FOLDER | constants.O_NOFOLLOW);
      await folder.close();
      folder = next;
    }
    return await open(`${OPEN_FILES}/${folder.fd}/${name}`, FILE);
  } finally {
    await folder.close();
  }
}
