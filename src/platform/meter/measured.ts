import { codeOf, type ErrorCode } from '../../domain/errors.js';
import { isMeasuring } from './meter.js';

/** How measured work ended: with a result, or with an error of this code. */
export type MeasuredOutcome = 'succeeded' | ErrorCode;

/**
 * Runs work and tells how it ended and how long it took. While nothing is measured, it only runs.
 * @param tell receives the outcome and the seconds
 */
export async function measured<T>(
  work: () => Promise<T>,
  tell: (outcome: MeasuredOutcome, seconds: number) => void,
): Promise<T> {
  if (!isMeasuring()) return work();
  const since = performance.now();
  let outcome: MeasuredOutcome = 'succeeded';
  try {
    return await work();
  } catch (error) {
    outcome = codeOf(error);
    throw error;
  } finally {
    tell(outcome, (performance.now() - since) / 1000);
  }
}
