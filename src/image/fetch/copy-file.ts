// Reading and copying whole files in a transfer thread, in pieces, so that its other jobs progress.
import { closeSync, constants, copyFileSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FerricError } from '../../domain/errors.js';
import { Digester } from './digester.js';
import { type OpenedFile, openImageFile } from './open-file.js';
import type { CopyJob, Progress, TransferResults } from './transfer-job.js';

const PIECE = 1 << 20;
const UNCLONABLE = ['EXDEV', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL', 'ENOSYS', 'ENOTTY'];

export async function copyFile(
  job: CopyJob,
  signal: AbortSignal,
  progress: Progress,
): Promise<TransferResults['copy']> {
  const source = job.places ? openImageFile(job.source, job.places) : openOwn(job.source);
  let target: number | undefined;
  try {
    const facts = { size: source.size, mtimeMs: source.mtimeMs, identity: source.identity };
    if (job.target !== undefined && job.algorithms === undefined && cloned(source.fd, job.target))
      return facts;
    if (job.target !== undefined) target = openSync(job.target, 'w', 0o644);
    const digester = job.algorithms && new Digester(job.algorithms);
    const piece = Buffer.allocUnsafeSlow(PIECE);
    let at = 0;
    for (;;) {
      signal.throwIfAborted();
      const read = readSync(source.fd, piece, 0, PIECE, at);
      if (read === 0) break;
      const bytes = piece.subarray(0, read);
      if (target !== undefined) writeAll(target, bytes, at);
      digester?.update(bytes);
      at += read;
      if (at > source.size) break;
      progress(at, source.size);
      await nextTurn();
    }
    if (at !== source.size)
      throw new FerricError('image-unavailable', `${job.source}: changed while it was read.`);
    return digester ? { ...facts, digested: digester.finish() } : facts;
  } finally {
    closeSync(source.fd);
    if (target !== undefined) closeSync(target);
  }
}

/** Writes all of `bytes` at `position`; writes are short on a nearly full disk. */
export function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}

function cloned(fd: number, target: string): boolean {
  try {
    copyFileSync(`/proc/self/fd/${fd}`, target, constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch (error) {
    if (UNCLONABLE.includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

function openOwn(path: string): OpenedFile {
  const fd = openSync(path, 'r');
  const stat = fstatSync(fd);
  return { fd, size: stat.size, mtimeMs: stat.mtimeMs, identity: '' };
}
