/** The shape of a JSON value: names and types without the values. Elements of a list must have the same shape. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return [...new Set(value.map((item) => JSON.stringify(shapeOf(item))))].sort();
  if (value === null || typeof value !== 'object') return value === null ? 'null' : typeof value;
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([name, item]) => [name, shapeOf(item)]));
}

/**
 * @param free names whose values may differ, since each server fills them in its own way
 * @throws Error naming the difference
 */
export function demandAlike(what: string, ours: unknown, theirs: unknown, free: readonly string[]): void {
  const [mine, yours] = [ours, theirs].map((value) => JSON.stringify(shapeOf(without(value, free)), null, 1));
  if (mine === yours) return;
  const [left, right] = [mine!.split('\n'), yours!.split('\n')];
  const at = left.findIndex((line, index) => line !== right[index]);
  throw new Error(`${what}: the answers differ: ${left[at]} beside ${right[at]}`);
}

/** The value with these keys' contents removed; the keys stay. */
function without(value: unknown, free: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => without(item, free));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, free.includes(name) ? 'free' : without(item, free)]),
  );
}
