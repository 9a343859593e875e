import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { InvalidError } from '../../src/domain/errors.js';
import { reason } from './directory.js';

/** Bytes of the longest text that a command reads into memory: keys, passwords, build files, scripts. */
const LONGEST_TEXT = 4 * 2 ** 20;
const BATCH = 64 * 1024;

/**
 * Refuses what is no disk: a path that cannot be read, and what is neither a file nor a block device. A character
 * device or a pipe has no end, or none that could be read again.
 * @param what the option or argument, for the message
 * @throws InvalidError naming the obstacle
 */
export function refuseUnreadable(path: string, what: string): void {
  obstacles(path, what, () => {
    const kind = statSync(path);
    if (kind.isDirectory()) throw new InvalidError(`${what}: ${path}: ${reason('EISDIR')}`);
    if (!kind.isFile() && !kind.isBlockDevice())
      throw new InvalidError(`${what}: ${path} is neither a file nor a disk`);
    accessSync(path, constants.R_OK);
  });
}

/**
 * Reads a text, from a pipe as well.
 * @param what the option or argument, for the message
 * @throws InvalidError naming the obstacle, or for more than 4 MiB
 */
export function readText(path: string, what: string): string {
  return obstacles(path, what, () => {
    const file = openSync(path, constants.O_RDONLY);
    try {
      const parts: Buffer[] = [];
      for (let length = 0; length <= LONGEST_TEXT; ) {
        const part = Buffer.alloc(BATCH);
        const bytes = readSync(file, part);
        if (bytes === 0) return Buffer.concat(parts).toString('utf8');
        parts.push(part.subarray(0, bytes));
        length += bytes;
      }
    } finally {
      closeSync(file);
    }
    throw new InvalidError(`${what}: ${path} is longer than ${LONGEST_TEXT / 2 ** 20} MiB`);
  });
}

/** Names path and option in errors of the operating system: those of a read have no path. */
function obstacles<T>(path: string, what: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof InvalidError || code === undefined) throw error;
    throw new InvalidError(`${what}: ${path}: ${reason(code)}`, { cause: error });
  }
}
