import { CancelledError } from '../../../domain/errors.js';
import { contained } from '../../../platform/boundary.js';
import { FAULTS } from '../faults.js';
import { inSession, NativeFault } from './outcome.js';
import type { BmcSockets, Place } from './sockets.js';

/**
 * ms until the first repetition: for a BMC whose answers are not timed yet, at least, and at most between two. A BMC
 * answers in 5 to 50 ms, a busy one in some hundred.
 */
const FIRST_WAIT = 400;
const LEAST_WAIT = 200;
const LONGEST_WAIT = 2_000;
/** Answer times after which an answer counts as lost. */
const LATE = 4;
const GROWTH = 1.5;
/** Share by which waits differ, so that BMCs that were asked together are not asked again together. */
const JITTER = 0.15;

export interface Question<T> {
  place: Place;
  /** Called for each packet: a repetition in a session has a sequence number of its own. */
  packet: () => Uint8Array;
  /** Once: it is unknown what a second packet does. */
  once?: boolean;
  /** ms to wait for an answer, from when the first packet left. */
  timeout: number;
  /** By performance.now(): no packet leaves after it, and no answer is waited for. */
  end: number;
  /** ms that the slowest answer of the BMC took so far; 0: none yet. */
  slowest: number;
  /**
   * @returns undefined if the packet is no answer to it
   * @throws MalformedPacket
   */
  take: (bytes: Uint8Array) => T | undefined;
  signal: AbortSignal;
}

export interface Answer<T> {
  value: T;
  /** Packets that were sent. */
  sent: number;
  /** ms from the last packet to the answer. */
  took: number;
}

/**
 * Asks until the BMC answers, and gives up after `timeout`, at the latest at `end`.
 * @returns undefined for silence
 * @throws NativeFault of stage `session` if not one packet left: `late`, or there is no socket; CancelledError
 */
export function ask<T>(sockets: BmcSockets, question: Question<T>): Promise<Answer<T> | undefined> {
  const { place, packet, once, timeout, slowest, take, signal } = question;
  return new Promise((resolve, reject) => {
    let sent = 0;
    let asked = 0;
    let wait = slowest === 0 ? FIRST_WAIT : Math.min(Math.max(LATE * slowest, LEAST_WAIT), LONGEST_WAIT);
    let repetition: NodeJS.Timeout | undefined;
    let over = false;
    const finish = (settle: () => void) => {
      if (over) return;
      over = true;
      clearTimeout(repetition);
      clearTimeout(ending);
      hush();
      signal.removeEventListener('abort', cancel);
      settle();
    };
    const failed = (error: unknown) => finish(() => reject(error as Error));
    const leave = () => failed(new CancelledError());
    const cancel = contained('ipmi: cancelled', leave, leave);
    const silent = () =>
      finish(() => (sent > 0 ? resolve(undefined) : reject(new NativeFault(inSession(FAULTS.late)))));
    let { end } = question;
    const arm = () =>
      setTimeout(contained('ipmi: end', silent, failed), Math.max(0, end - performance.now()));
    let ending = arm();
    const hush = sockets.listen(place, {
      receive: (bytes) => {
        const value = take(bytes);
        if (value === undefined) return false;
        finish(() => resolve({ value, sent, took: performance.now() - asked }));
        return true;
      },
    });
    const left = () => {
      asked = performance.now();
      if (sent++ === 0) {
        end = Math.min(end, asked + timeout);
        clearTimeout(ending);
        ending = arm();
      } else sockets.traffic.note('resent');
      if (once) return;
      const pause = wait * (1 + JITTER * (2 * Math.random() - 1));
      wait = Math.min(wait * GROWTH, LONGEST_WAIT);
      repetition = setTimeout(contained('ipmi: repetition', next, failed), pause);
    };
    // Timers are late on a busy machine: the clock decides.
    const needed = () => !over && performance.now() < end;
    const unsendable = (error: unknown) => {
      if (!(error instanceof NativeFault)) throw error;
      if (sent > 0) silent();
      else failed(error);
    };
    const next = () =>
      needed()
        ? sockets.send(place, () => (needed() ? packet() : undefined), left).catch(unsendable)
        : undefined;
    if (signal.aborted) {
      cancel();
      return;
    }
    signal.addEventListener('abort', cancel, { once: true });
    contained('ipmi: question', next, failed)();
  });
}
