import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Readiness } from '../../../../src/api/metrics/readiness.js';
import { throwOnce } from '../../../support/faults/throw-once.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('readiness', () => {
  it('looks at its components once a second, however often it is asked', async () => {
    const readiness = new Readiness();
    const look = vi.fn(() => Promise.resolve(null));
    readiness.watch('database', look);
    readiness.serving();
    await Promise.all(Array.from({ length: 100 }, () => readiness.look()));
    await readiness.look();
    expect(look).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(1_001);
    await readiness.look();
    expect(look).toHaveBeenCalledTimes(2);
  });

  it('starts no further look at a component that hangs while one is waited for, and says so in time', async () => {
    const readiness = new Readiness();
    const look = vi.fn(() => new Promise<null>(() => undefined));
    readiness.watch('database', look);
    readiness.serving();
    const answer = readiness.look();
    await vi.advanceTimersByTimeAsync(2_000);
    void readiness.look();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(look).toHaveBeenCalledTimes(1);
    expect(await answer).toContainEqual({ name: 'database', trouble: 'no answer within 3 s' });
  });

  it('tells a stop at once', async () => {
    const readiness = new Readiness();
    readiness.serving();
    expect(await readiness.look()).toEqual([{ name: 'daemon', trouble: null }]);
    readiness.stopping();
    expect(await readiness.look()).toEqual([{ name: 'daemon', trouble: 'it is stopping' }]);
  });

  it('answers although the handler of its limit throws', async () => {
    const { thrown } = throwOnce('a look at readiness');
    const readiness = new Readiness();
    readiness.watch('database', () => new Promise<null>(() => undefined));
    readiness.serving();
    const answer = readiness.look();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(await answer).toContainEqual(
      expect.objectContaining({ trouble: expect.stringMatching(/on purpose/) }),
    );
    expect(thrown()).toBe(true);
  });
});
