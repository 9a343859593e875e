/** Median; for an even count the upper one of the middle two. @throws RangeError without values */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('no value has no median');
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
