import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { InvalidError } from '../../src/domain/errors.js';

/**
 * Makes a directory and those above it. Node's own recursive mkdir never ends where one can neither be made nor is there,
 * such as below /proc.
 * @throws InvalidError naming what stands in the way
 */
export function makeDirectory(path: string): void {
  const { ancestor, missing } = nearest(path);
  let at = ancestor;
  for (const name of missing) {
    at = join(at, name);
    try {
      mkdirSync(at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST' && statSync(at).isDirectory()) continue; // another build was first
      throw new InvalidError(`the directory ${path} can't be made: ${reason(code)} at ${at}`, {
        cause: error,
      });
    }
  }
}

/**
 * Whether files can be put below a directory that may not be there yet; nothing is made.
 * @param what the option or the thing that names it
 * @throws InvalidError naming what stands in the way
 */
export function refuseUnwritable(path: string, what: string): void {
  const { ancestor } = nearest(path, what);
  try {
    accessSync(ancestor, constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new InvalidError(`${what}: nothing can be written below ${ancestor}: ${reason(code)}`, {
      cause: error,
    });
  }
}

/** The nearest directory that is there, and the names below it that are not. */
function nearest(path: string, what = 'directory'): { ancestor: string; missing: string[] } {
  const missing: string[] = [];
  for (let at = resolve(path); ; at = dirname(at)) {
    try {
      if (statSync(at).isDirectory()) return { ancestor: at, missing };
      throw new InvalidError(`${what}: ${at} is a file, not a directory`);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ENOTDIR') {
        if (error instanceof InvalidError) throw error;
        throw new InvalidError(`${what}: ${at}: ${reason(code)}`, { cause: error });
      }
      missing.unshift(at.slice(dirname(at).length).replace(/^\//, ''));
    }
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EDQUOT: 'the disk quota is used up',
  EIO: 'the disk fails',
  EISDIR: 'it is a directory',
  ELOOP: 'links lead in a circle',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'the name is too long',
  ENFILE: 'too many files are open on this machine',
  ENOENT: 'no such file or directory',
  ENOMEM: 'out of memory',
  ENOSPC: 'no space is left on the file system',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'it is there already',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ETXTBSY: 'the file is being run',
};

/** What an error number of the operating system means, in words. */
export function reason(code: string | undefined): string {
  return code === undefined ? 'it fails' : (REASONS[code] ?? code);
}
