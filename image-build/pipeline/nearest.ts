import { editDistance } from '../../src/domain/nearest.js';

/** The candidate with the fewest edits to `name`, if few enough for a typing error. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const best = candidates
    .map((candidate) => ({ candidate, edits: editDistance(name, candidate) }))
    .sort((a, b) => a.edits - b.edits)[0];
  return best && best.edits <= Math.max(3, name.length / 2) ? best.candidate : undefined;
}
