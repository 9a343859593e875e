/** The upper one of the two middle ones, of an even number. @throws RangeError without any value */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('no value has no median');
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
