import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '../exit-status.js';
import type { Shell } from '../shell.js';

/** Interval between attempts, ms. */
const PACE = 500;

/** Error codes of a connection that was cut before a response: the request may have been carried out. */
const CUT = ['ECONNRESET', 'EPIPE'];

/**
 * Retries a request while the daemon restarts: it then refuses connections for some seconds and cuts open ones. Only
 * requests that are safe to repeat are retried, until `shell.retryFor` has passed: any request after a refused
 * connection;
 * a read also after a cut connection or a 503.
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
