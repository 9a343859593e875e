import {
  DriverCallTimeoutError,
  isDatabaseAway,
  ReservationLostError,
  TurnCancelledError,
  UnavailableError,
} from '../../domain/errors.js';
import { contained } from '../../platform/boundary.js';
import type { Logger } from '../../platform/logger.js';

/** ms for a call that only reads: a validation, a list, a power state that a client asked for. */
export const READ_LIMIT = 60_000;
/** ms that a call which exceeded its limit has to end by itself. */
const GRACE = 5_000;

export interface CallTerms {
  /** Ends the call for another reason. */
  readonly signal: AbortSignal;
  /** ms for the whole call. */
  readonly limit: number;
  readonly log: Pick<Logger, 'warn'>;
}

/** The limit as the call's context sees it. */
export interface CallLimit {
  /** Fires at the limit, and with the signal of the terms. */
  readonly signal: AbortSignal;
  /** @throws DriverCallTimeoutError after the limit: a call that was given up has no further effect */
  ensure(): void;
  /** Runs work that has a limit of its own; its time does not count. */
  untimed<T>(work: () => Promise<T>): Promise<T>;
}

/**
 * Runs one call of a driver, which ends at its limit whether or not the driver heeds the signal. A call that does not
 * end in the grace after it is left to itself; its context refuses any further effect.
 * @throws DriverCallTimeoutError at the limit, the call's own error, or the reason of the terms' signal
 * @throws UnavailableError at the limit if the call was in line for its BMC: it is not known whether the BMC answers
 */
export async function limitedCall<T>(terms: CallTerms, work: (limit: CallLimit) => Promise<T>): Promise<T> {
  const clock = new CallClock(terms.limit);
  const signal = AbortSignal.any([terms.signal, clock.expired]);
  const call = work({
    signal,
    ensure: () => clock.expired.throwIfAborted(),
    untimed: (part) => clock.untimed(part),
  });
  const over = new AbortController();
  try {
    return await Promise.race([call, givenUp(clock.expired, over.signal)]);
  } catch (error) {
    if (error instanceof GivenUp) terms.log.warn({ seconds: terms.limit / 1000 }, error.message);
    throw clock.expired.aborted && !terms.signal.aborted
      ? atLimit(error, clock.expired.reason, terms)
      : error;
  } finally {
    over.abort();
    clock.stop();
  }
}

/** What a call that exceeded its limit is said to have failed with: whose the delay was. */
function atLimit(error: unknown, timeout: unknown, { limit }: CallTerms): unknown {
  if (isDatabaseAway(error) || error instanceof ReservationLostError) return error;
  if (!(error instanceof TurnCancelledError)) return timeout;
  return new UnavailableError(
    `No turn at the BMC within ${limit / 1000} s: other commands of this conductor are in line before.`,
    { cause: error },
  );
}

/** Counts the time of one call, except that of its untimed parts. */
class CallClock {
  readonly #expired = new AbortController();
  #left: number;
  #since = performance.now();
  #untimed = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly limit: number) {
    this.#left = limit;
    this.#run();
  }

  get expired(): AbortSignal {
    return this.#expired.signal;
  }

  async untimed<T>(work: () => Promise<T>): Promise<T> {
    this.expired.throwIfAborted();
    if (this.#untimed++ === 0) {
      clearTimeout(this.#timer);
      this.#left -= performance.now() - this.#since;
    }
    try {
      return await work();
    } finally {
      if (--this.#untimed === 0) this.#run();
    }
  }

  stop(): void {
    // A part that ends later must not start the timer again.
    this.#untimed = Number.POSITIVE_INFINITY;
    clearTimeout(this.#timer);
  }

  #run(): void {
    this.#since = performance.now();
    const expire = () => this.#expired.abort(new DriverCallTimeoutError(this.limit));
    this.#timer = setTimeout(contained('driver call: limit', expire, expire), Math.max(0, this.#left));
  }
}

class GivenUp extends Error {}

/** @throws GivenUp when the grace after `expired` is over; never ends otherwise. @param over removes timer and listener */
function givenUp(expired: AbortSignal, over: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const leave = () =>
      reject(
        new GivenUp(
          'a driver’s call that exceeded its limit has not ended; it is left, without further effect',
        ),
      );
    const wait = () => {
      const timer = setTimeout(contained('driver call: grace', leave, leave), GRACE);
      over.addEventListener(
        'abort',
        contained('driver call: end', () => clearTimeout(timer)),
        { once: true },
      );
    };
    const once = { once: true, signal: over };
    expired.addEventListener('abort', contained('driver call: expired', wait, leave), once);
  });
}
