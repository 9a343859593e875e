import { setImmediate as nextTurn } from 'node:timers/promises';
import { detached } from './boundary.js';

/** ms of one turn of the event loop. */
const SHARE = 10;

/**
 * What many connections may take of one turn of the event loop together. Each single piece of work is short; but a turn
 * hands out a piece for each connection that has one, and everybody else waits for its end.
 */
export class LoopShare {
  #spent = 0;
  #renewed: Promise<void> | null = null;

  /** Does a piece of work once there is time left in a turn. */
  async take<T>(work: () => T): Promise<T> {
    while (this.#spent >= SHARE) await this.#renewal();
    const began = performance.now();
    try {
      return work();
    } finally {
      this.#spent += performance.now() - began;
      detached('share of the event loop', this.#renewal());
    }
  }

  #renewal(): Promise<void> {
    this.#renewed ??= nextTurn().then(() => {
      this.#renewed = null;
      this.#spent = 0;
    });
    return this.#renewed;
  }
}
