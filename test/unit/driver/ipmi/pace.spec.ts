import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Pace } from '../../../../src/driver/ipmi/native/pace.js';
import { throwOnce } from '../../../support/faults/throw-once.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('a turn that throws, and a packet that cannot leave, hold up no other', async () => {
  const { thrown } = throwOnce('ipmi: pace');
  const pace = new Pace(100); // one packet in 10 ms
  const left: string[] = [];
  for (const name of ['a', 'b', 'c', 'd'])
    pace.pass(() => {
      left.push(name);
      if (name === 'c') throw new Error('it cannot leave');
    });
  await vi.advanceTimersByTimeAsync(100);
  expect(thrown()).toBe(true);
  expect(left).toEqual(['a', 'b', 'c', 'd']);
});
