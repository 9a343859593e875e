import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { InvalidError } from '../../src/domain/errors.js';

/**
 * Creates a directory and its parents. Node's recursive mkdir never ends where a parent neither exists nor can be
 * created, such as below /proc.
 * @throws InvalidError naming the obstacle
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
      if (code === 'EEXIST' && statSync(at).isDirectory()) continue; // another build created it first
      throw new InvalidError(`the directory ${path} can't be made: ${reason(code)} at ${at}`, {
        cause: error,
      });
    }
  }
}

/**
 * Refuses a directory in which no files could be created. The directory may be absent, and is not created.
 * @param what the option or object, for the message
 * @throws InvalidError naming the obstacle
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

/** The nearest existing directory, and the missing names below it. */
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

/** Text for an error code of the operating system. */
export function reason(code: string | undefined): string {
  return code === undefined ? 'it fails' : (REASONS[code] ?? code);
}
