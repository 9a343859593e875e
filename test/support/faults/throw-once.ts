import { onTestFinished } from 'vitest';
import { watchHandlers } from '../../../src/platform/boundary.js';

/**
 * Until the test ends, a handler of this owner throws, of those that are wrapped from now on.
 * @param call which call of the owner's handlers throws, counted from 1
 * @returns whether it has thrown
 */
export function throwOnce(owner: string, call = 1): { thrown(): boolean } {
  let calls = 0;
  watchHandlers((name) => () => {
    if (name === owner && ++calls === call) throw new Error(`a fault on purpose: ${owner}`);
  });
  onTestFinished(() => watchHandlers(null));
  return { thrown: () => calls >= call };
}
