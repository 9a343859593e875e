import { setTimeout as sleep } from 'node:timers/promises';
import { isDatabaseAway } from '../domain/errors.js';

/** ms to keep asking whether a write took effect; a client waits meanwhile. */
const ASK_FOR = 5_000;
const PAUSE = 100;
const PAUSE_MOST = 1_000;

/**
 * A write whose answer may be lost with its connection although it took effect. Its effect is then looked up by the id
 * that it wrote, and a write that took effect counts as answered.
 * @param find returns the result of `write` when it took effect, null when it did not. It must wait for a write that is
 * still under way, by locking the node's row. A later write must be refused by the fence, which the caller then gives
 * up.
 * @throws the error of `write` when it took no effect, or when the database stays away too long
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

/** @returns null also when the database does not return in time */
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
