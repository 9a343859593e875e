// Mutual exclusion by name, and a limit on concurrent actions.

import { CancelledError } from '../domain/errors.js';
import { contained } from './boundary.js';

/** One action at a time for each name, in order of arrival. */
export class KeyedMutex {
  private readonly tails = new Map<string, Promise<void>>();

  async run<T>(name: string, action: () => Promise<T>): Promise<T> {
    const before = this.tails.get(name) ?? Promise.resolve();
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const tail = before.then(() => done);
    this.tails.set(name, tail);
    await before;
    try {
      return await action();
    } finally {
      resolve();
      if (this.tails.get(name) === tail) this.tails.delete(name);
    }
  }
}

/** At most `size` actions at a time; others queue until their signal fires. */
export class Semaphore {
  private readonly waiting: (() => void)[] = [];
  private taken = 0;

  constructor(private readonly size: number) {}

  /**
   * @param signal null: it stays in the queue until its turn
   * @throws CancelledError when the signal fires while it is queued
   */
  async run<T>(signal: AbortSignal | null, action: () => Promise<T>): Promise<T> {
    await this.take(signal);
    try {
      return await action();
    } finally {
      // The place passes directly to the next in the queue: a newcomer cannot take it.
      const next = this.waiting.shift();
      if (next) next();
      else this.taken--;
    }
  }

  private async take(signal: AbortSignal | null): Promise<void> {
    if (signal?.aborted) throw new CancelledError('The work was cancelled while it waited for its turn.');
    if (this.taken < this.size) {
      this.taken++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const enter = () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const left = () => {
        const at = this.waiting.indexOf(enter);
        if (at >= 0) this.waiting.splice(at, 1);
        reject(new CancelledError('The work was cancelled while it waited for its turn.'));
      };
      const leave = contained('semaphore', left, left);
      signal?.addEventListener('abort', leave, { once: true });
      this.waiting.push(enter);
    });
  }
}
