import { setTimeout as sleep } from 'node:timers/promises';
import { isDatabaseAway } from '../domain/errors.js';

/** ms that is asked what became of a write; a client waits for that. */
const ASK_FOR = 5_000;
const PAUSE = 100;
const PAUSE_MOST = 1_000;

/**
 * A write whose answer may be lost with its connection, though it took effect: what became of it is asked, by the id that
 * it wrote, and a write that took effect is as good as one that was answered.
 * @param find what `write` comes to where it took effect, null where it did not. It must wait for a write that is under way
 *   still, by the lock of the node's row; and one that comes later than that must be refused, by the fence that whoever called
 *   this gives up then.
 * @throws the error of `write` where it took no effect, or where nobody can be asked for too long
 */
export async function foundOut<T>(write: () => Promise<T>, find: () => Promise<T | null>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!isDatabaseAway(error)) throw error;
    const found = await asked(find);
    if (found === null) throw error;
    return found;
  }
}

/** @returns null also where the database does not come back in time */
async function asked<T>(find: () => Promise<T | null>): Promise<T | null> {
  const end = performance.now() + ASK_FOR;
  for (let pause = PAUSE; ; pause = Math.min(pause * 2, PAUSE_MOST)) {
    try {
      return await find();
    } catch (error) {
      if (!isDatabaseAway(error)) throw error;
      if (performance.now() + pause > end) return null;
      await sleep(pause);
    }
  }
}
