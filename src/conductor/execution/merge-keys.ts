import type { JsonObject } from '../../domain/json.js';

/** Applies to `now` the differences between `before` and `after`, key by key. */
export function mergeKeys(before: JsonObject, after: JsonObject, now: JsonObject): JsonObject {
  const merged = { ...now };
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (!(key in after)) delete merged[key];
    else if (JSON.stringify(before[key]) !== JSON.stringify(after[key])) merged[key] = after[key]!;
  }
  return merged;
}
