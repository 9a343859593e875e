import { setImmediate as nextTurn } from 'node:timers/promises';
import { detached } from './boundary.js';

/** ms of work per turn of the event loop. */
const SHARE = 10;

/**
 * Limits the time that many connections together take of one turn of the event loop. Each piece of work is short; but a
 * turn runs one for each connection that has work, and everything else waits for the end of the turn.
 */
export class LoopShare {
  #spent = 0;
  #renewed: Promise<void> | null = null;

  /**
   * Runs a piece of work once a turn has time left.
   * @param besides ms that Node.js takes for the piece outside of `work`, such as the read of its bytes
   */
  async take<T>(work: () => T, besides = 0): Promise<T> {
    while (this.#spent >= SHARE) await this.#renewal();
    const began = performance.now();
    try {
      return work();
    } finally {
      this.#spent += performance.now() - began + besides;
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
