// The thread's side of TransferPool: runs many downloads, copies and hashes at once.
import { closeSync } from 'node:fs';
import { FerricError, messageOf } from '../../domain/errors.js';
import { workerPort } from '../../platform/worker-port.js';
import { copyFile } from './copy-file.js';
import { download, LengthChanged } from './download.js';
import { openImageFile } from './open-file.js';
import type { FromWorker, Progress, ToWorker, TransferFault, TransferJob } from './transfer-job.js';

/** Milliseconds between two progress reports of one job. */
const REPORT_EVERY = 100;

const { hear, post } = workerPort<ToWorker, FromWorker>();
const running = new Map<number, AbortController>();

hear((message) => {
  if ('abort' in message) {
    running.get(message.id)?.abort();
    return;
  }
  const { id, job } = message;
  const abort = new AbortController();
  running.set(id, abort);
  let reported = 0;
  const progress: Progress = (bytes, total) => {
    const now = performance.now();
    if ((total === 0 || bytes < total) && now - reported < REPORT_EVERY) return;
    reported = now;
    post({ id, progress: bytes, total });
  };
  run(job, abort.signal, progress)
    .then(
      (result) => post({ id, result }),
      (error: unknown) => post({ id, fault: faultOf(error, abort.signal) }),
    )
    .finally(() => running.delete(id));
});

async function run(job: TransferJob, signal: AbortSignal, progress: Progress) {
  switch (job.kind) {
    case 'download':
      return download(job, signal, progress);
    case 'copy':
      return copyFile(job, signal, progress);
    case 'stat': {
      const { fd, ...facts } = openImageFile(job.source, job.places);
      closeSync(fd);
      return facts;
    }
  }
}

function faultOf(error: unknown, signal: AbortSignal): TransferFault {
  if (signal.aborted) return { code: 'cancelled', message: 'The download was cancelled.' };
  if (error instanceof LengthChanged)
    return { code: error.code, message: error.message, remedy: 'ask-again' };
  if (error instanceof FerricError) return { code: error.code, message: error.message };
  if (isFull(error))
    return { code: 'image-unavailable', message: 'The disk of the image cache is full.', remedy: 'room' };
  return { code: 'internal', message: messageOf(error) };
}

function isFull(error: unknown): boolean {
  return error instanceof Error && ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
}
