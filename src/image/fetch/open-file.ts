// Opening a file:// image. Synchronous, for the transfer threads: it never occupies libuv's thread pool.
import { closeSync, constants, fstatSync, openSync, readlinkSync, realpathSync } from 'node:fs';
import { FerricError } from '../../domain/errors.js';
import { checkFilePath } from '../../domain/image/file-path.js';
import type { ImageRules } from '../../domain/image/instance-image.js';

export interface OpenedFile {
  /** The caller closes it. */
  fd: number;
  /** Bytes. */
  size: number;
  /** Milliseconds since the epoch. */
  mtimeMs: number;
  /** Device, inode, time and size: changes with the file. */
  identity: string;
}

/** Where file:// images may be. */
export interface FilePlaces {
  allowed: readonly string[];
  /** Always refused: Ferric's own cache, stores and secrets. */
  own: readonly string[];
}

export function placesOf({
  filePaths,
  ownPaths = [],
}: Pick<ImageRules, 'filePaths' | 'ownPaths'>): FilePlaces {
  return { allowed: filePaths, own: ownPaths };
}

/**
 * Opens a regular file under one of the allowed directories. Links may lead anywhere inside these directories, not out.
 * A FIFO or a device is refused without blocking.
 * @throws FerricError image-unavailable, image-refused; InvalidError for a path outside
 */
export function openImageFile(path: string, { allowed, own }: FilePlaces): OpenedFile {
  const href = `file://${path}`;
  const real = attempt(href, () => realpathSync(path));
  const both = (places: readonly string[]) => [...places, ...places.flatMap(realDirectory)];
  checkFilePath(real, both(allowed), href, both(own));
  // O_NONBLOCK: opening a FIFO would block until a writer appears. O_NOFOLLOW: links were resolved above.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY | constants.O_NOFOLLOW;
  const fd = attempt(href, () => openSync(real, flags));
  try {
    const stat = fstatSync(fd, { bigint: true });
    if (!stat.isFile()) throw new FerricError('image-refused', `${href}: is not a regular file.`);
    // A directory of the path may have become a link since: the opened file counts.
    if (readlinkSync(`/proc/self/fd/${fd}`) !== real)
      throw new FerricError('image-refused', `${href}: was moved while it was opened.`);
    return {
      fd,
      size: Number(stat.size),
      mtimeMs: Number(stat.mtimeNs / 1_000_000n),
      identity: `${stat.dev}:${stat.ino}:${stat.mtimeNs}:${stat.size}`,
    };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function realDirectory(directory: string): string[] {
  try {
    return [realpathSync(directory)];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []; // the default directories need not exist
    throw error;
  }
}

function attempt<T>(href: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const words: Record<string, string> = {
      ENOENT: 'does not exist',
      ENOTDIR: 'does not exist',
      EACCES: 'may not be read by Ferric',
      ELOOP: 'is a link that leads nowhere',
      ENXIO: 'is not a regular file',
    };
    const refused = code === 'ENXIO' || code === 'ELOOP';
    throw new FerricError(
      refused ? 'image-refused' : 'image-unavailable',
      `${href}: ${words[code ?? ''] ?? `cannot be opened (${code})`}.`,
      { cause: error },
    );
  }
}
