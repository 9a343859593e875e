import type { Asked } from '../run.js';
import { NEWEST } from '../scenario.js';
import { patternOf, type Route } from './ironic-routes.js';

/** Routes up to 1.82 that none of these exchanges asks for. */
export function missed(routes: readonly Route[], asked: readonly Asked[]): string[] {
  const names = routes
    .filter(({ since }) => since <= NEWEST)
    .filter(({ method, path }) => {
      const pattern = patternOf(path);
      return !asked.some((one) => one.method === method && pattern.test(one.path.replace(/\?.*$/, '')));
    });
  return [...new Set(names.map(({ method, path }) => `${method} ${path}`))].toSorted();
}
