import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledError } from '../domain/errors.js';

/** @throws CancelledError when the signal fires first */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (signal.aborted) throw new CancelledError(undefined, { cause: error });
    throw error;
  }
}
