import { CancelledError } from '../../../domain/errors.js';
import { contained } from '../../../platform/boundary.js';
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
  /** ms from when the first packet left. */
  patience: number;
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
 * Asks until the BMC answers, and gives up after `patience`.
 * @returns undefined for silence
 * @throws CancelledError
 */
export function ask<T>(sockets: BmcSockets, question: Question<T>): Promise<Answer<T> | undefined> {
  const { place, packet, once, patience, slowest, take, signal } = question;
  return new Promise((resolve, reject) => {
    let sent = 0;
    let asked = 0;
    let end = Number.POSITIVE_INFINITY;
    let wait = slowest === 0 ? FIRST_WAIT : Math.min(Math.max(LATE * slowest, LEAST_WAIT), LONGEST_WAIT);
    let timer: NodeJS.Timeout | undefined;
    let over = false;
    const finish = (settle: () => void) => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      hush();
      signal.removeEventListener('abort', cancel);
      settle();
    };
    const cancel = contained('ipmi: cancelled', () => finish(() => reject(new CancelledError())));
    const failed = (error: unknown) => finish(() => reject(error as Error));
    const hush = sockets.listen(place, {
      receive: (bytes) => {
        const value = take(bytes);
        if (value === undefined) return false;
        finish(() => resolve({ value, sent, took: performance.now() - asked }));
        return true;
      },
    });
    const left = () => {
      const now = performance.now();
      asked = now;
      if (sent++ === 0) end = now + patience;
      else sockets.traffic.note('resent');
      const pause = once ? end - now : wait * (1 + JITTER * (2 * Math.random() - 1));
      wait = Math.min(wait * GROWTH, LONGEST_WAIT);
      timer = setTimeout(
        contained('ipmi: repetition', next, failed),
        Math.max(0, Math.min(pause, end - now)),
      );
    };
    const next = (): Promise<void> | undefined => {
      if (over) return undefined;
      if (performance.now() >= end - 1) {
        finish(() => resolve(undefined));
        return undefined;
      }
      return sockets.send(place, () => (over ? undefined : packet()), left);
    };
    if (signal.aborted) {
      cancel();
      return;
    }
    signal.addEventListener('abort', cancel, { once: true });
    contained('ipmi: question', next, failed)();
  });
}
