import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { FerricError, messageOf } from '../domain/errors.js';
import type { Logger } from './logger.js';
import { lockOpenFile } from './run-command.js';

export interface DirectoryLock {
  release(): void;
}

/**
 * Locks a directory for this process, and creates it if it is missing. The lock belongs to an open file (flock(2)): the
 * kernel releases it when the process ends, for whatever reason, and it holds across containers.
 * @throws FerricError conflict with the pid of another process that holds it
 */
export async function lockDirectory(directory: string, log: Logger): Promise<DirectoryLock> {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const path = join(directory, 'daemon.lock');
  // The directory itself is locked too: a program that removes old files may remove the lock file under a daemon.
  const folder = openSync(directory, 'r');
  const file = openSync(path, 'a+', 0o600);
  const release = () => {
    closeSync(folder);
    closeSync(file);
  };
  if (!((await lockOpenFile(folder)) && (await lockOpenFile(file)))) {
    release();
    const pid = readFileSync(path, 'utf8').trim();
    const holder = pid ? ` (pid ${pid})` : '';
    throw new FerricError(
      'conflict',
      `the data directory ${directory} is in use by another daemon${holder}; nothing was touched`,
    );
  }
  try {
    ftruncateSync(file);
    writeSync(file, `${process.pid}\n`);
  } catch (error) {
    // A full disk: the lock is held all the same.
    log.warn({ path, error: messageOf(error) }, 'the pid could not be written into the lock file');
  }
  return { release };
}
