import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '../exit-status.js';
import type { Shell } from '../shell.js';

/** Between two questions, ms. */
const PACE = 500;

/** Codes of a connection that ended before an answer came: what was asked may have been done. */
const CUT = ['ECONNRESET', 'EPIPE'];

/**
 * A daemon that is being restarted refuses connections for some seconds, and cuts those that it had. What cannot have been
 * done is asked again for as long as the shell retries: everything after a refusal; what only reads also after a cut, and
 * while the daemon says that it is away for the moment (503).
 */
export async function withRetries<T>(shell: Shell, isRead: boolean, ask: () => Promise<T>): Promise<T> {
  const until = performance.now() + shell.retryFor;
  for (let turn = 0; ; turn++) {
    try {
      return await ask();
    } catch (error) {
      if (!isPassing(error, isRead) || performance.now() + PACE > until) throw error;
      if (turn === 0)
        shell.stderr.write(`ferric: ${error.message}; asked again for ${shell.retryFor / 1000} s\n`);
      await sleep(PACE, undefined, { signal: shell.signal });
    }
  }
}

function isPassing(error: unknown, isRead: boolean): error is ApiError {
  if (!(error instanceof ApiError)) return false;
  const { code } = (error.cause ?? {}) as { code?: string };
  return code === 'ECONNREFUSED' || (isRead && (error.status === 503 || CUT.includes(code ?? '')));
}
