import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Logger } from '../../../src/platform/logger.js';
import { ThrottledLog } from '../../../src/platform/throttled-log.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

it('writes each text once a second and says how many it left out', () => {
  const lines: unknown[] = [];
  const write = (words: unknown, text: unknown) => lines.push([words, text]);
  const log = { info: write, warn: write, error: write } as unknown as Logger;
  const sparingly = new ThrottledLog(log);
  for (let i = 0; i < 100; i++) sparingly.info({ i }, 'a');
  sparingly.warn({}, 'b');
  vi.advanceTimersByTime(1_001);
  sparingly.info({ i: 100 }, 'a');
  vi.advanceTimersByTime(1_001);
  sparingly.info({ i: 101 }, 'a');
  expect(lines).toEqual([
    [{ i: 0 }, 'a'],
    [{}, 'b'],
    [{ i: 100, left_out: 99 }, 'a'],
    [{ i: 101 }, 'a'],
  ]);
});
