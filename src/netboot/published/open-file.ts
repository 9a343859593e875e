import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';

export interface OpenFile {
  handle: FileHandle;
  stats: Stats;
}

/**
 * Opens a published file for reading. The path is ours, from the configuration or a boot plan, never the client's.
 * @param links whether the path may be a symbolic link: the operator's own files may, those in boot roots may not
 * @returns null where there is no such regular file
 */
export async function openPublished(path: string, links: boolean): Promise<OpenFile | null> {
  let handle: FileHandle | null = null;
  try {
    // O_NONBLOCK: opening a FIFO must not hold one of the few threads for file work until somebody writes to it.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    handle = await open(links ? await realpath(path) : path, flags);
    const stats = await handle.stat();
    if (stats.isFile()) return { handle, stats };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EISDIR', 'EACCES', 'ENAMETOOLONG'].includes(code ?? '')) {
      await handle?.close();
      throw error;
    }
  }
  await handle?.close();
  return null;
}
