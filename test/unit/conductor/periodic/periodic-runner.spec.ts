import { SchedulerRegistry } from '@nestjs/schedule';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { delayAfter, PeriodicRunner } from '../../../../src/conductor/periodic/periodic-runner.js';
import { throwOnce } from '../../../support/faults/throw-once.js';
import { collectedLog } from '../../../support/log.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Starts and ends of a task's runs, s, over 100 s. @param lasts s */
async function runs(every: number, lasts: number, run?: () => void) {
  const times: { from: number; to: number }[] = [];
  const runner = new PeriodicRunner(new SchedulerRegistry(), collectedLog());
  const begun = performance.now();
  const now = () => Math.round((performance.now() - begun) / 100) / 10;
  runner.add({
    name: 'test',
    every,
    atStart: true,
    run: async () => {
      const from = now();
      run?.();
      await new Promise((resolve) => setTimeout(resolve, lasts * 1000));
      times.push({ from, to: now() });
    },
  });
  await vi.advanceTimersByTimeAsync(100_000);
  const ended = runner.stop();
  await vi.advanceTimersByTimeAsync(100_000);
  await ended;
  return { times, gaps: times.slice(1).map(({ from }, i) => Math.round((from - times[i]!.to) * 10) / 10) };
}

it('a quick task is started once in its interval', async () => {
  const { times } = await runs(10, 1);
  expect(times.map(({ from }) => from)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => n * 10 + 0.1));
});

it('a slow task neither overlaps itself nor runs back to back', async () => {
  for (const lasts of [9.9, 10, 35]) {
    const { times, gaps } = await runs(10, lasts);
    expect(times.length).toBeGreaterThan(1);
    expect(new Set(gaps), `${lasts} s each`).toEqual(new Set([2.5]));
  }
  expect(delayAfter(0, 1_000)).toBe(1_000);
});

it('a run that fails is followed by the next', async () => {
  let started = 0;
  const { times } = await runs(10, 0, () => {
    started++;
    throw new Error('no');
  });
  expect([times.length, started]).toEqual([0, 10]);
});

it.each(['periodic task image-cache', 'periodic task published-files'])(
  '“%s” runs again at its next time although its timer throws',
  async (owner) => {
    const { thrown } = throwOnce(owner);
    const runner = new PeriodicRunner(new SchedulerRegistry(), collectedLog());
    const run = vi.fn(async () => undefined);
    runner.add({ name: owner.slice('periodic task '.length), every: 10, atStart: true, run });
    await vi.advanceTimersByTimeAsync(100);
    expect(thrown()).toBe(true);
    expect(run).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(run).toHaveBeenCalledTimes(2);
    await runner.stop();
  },
);
