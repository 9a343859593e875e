import { describe, expect, it } from 'vitest';
import { written } from '../../../../src/driver/redfish/clock.js';

describe('a time for a BMC', () => {
  const time = new Date('2026-03-01T23:30:00.250Z');
  it.each([
    ['+00:00', false, '2026-03-01T23:30:00+00:00'],
    ['+02:00', false, '2026-03-02T01:30:00+02:00'],
    ['-05:30', true, '2026-03-01T18:00:00.250-05:30'],
  ])('at %s', (offset, fractions, text) => {
    expect(written(time, offset, fractions)).toBe(text);
    expect(Math.abs(Date.parse(text) - time.getTime())).toBeLessThan(1_000);
  });
});
