import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { FerricError } from '../../domain/errors.js';

export interface OpenFile {
  handle: FileHandle;
  stats: Stats;
}

/** This process's open files: a path that begins at one is what openat(2) opens, which Node.js does not have. */
const OPEN_FILES = '/proc/self/fd';

// O_NONBLOCK: opening a FIFO must not hold one of the few threads for file work until somebody writes to it.
const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY;

/** What a path may be instead of a regular file that can be read. */
const ABSENT = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EISDIR', 'EACCES', 'ENAMETOOLONG'];

/** @throws FerricError where files below a root could not be opened */
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
 * @param roots directories of which one has the file, for a path of the database's: no part of it below the root is followed
 *   through a symbolic link, whatever is exchanged meanwhile. Null for the operator's own files, which may be links
 * @returns null where there is no such regular file
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

/** Folder after folder, each opened from the one before. */
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
