import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { HeartbeatOutcome } from '../../../../agent/src/api-client.js';
import { Heartbeater } from '../../../../agent/src/heartbeater.js';

const silent = { say: () => undefined, detail: () => undefined };

describe('Heartbeater', () => {
  let outcomes: HeartbeatOutcome[];
  let beats: number[];
  let heartbeater: Heartbeater;
  let random: number;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    outcomes = [];
    beats = [];
    random = 0.5;
    heartbeater = new Heartbeater({
      timeout: 300,
      log: silent,
      random: () => random,
      beat: async () => {
        beats.push(Math.round(performance.now() / 100) / 10);
        return outcomes.shift() ?? { kind: 'accepted' };
      },
    });
  });
  afterEach(() => {
    heartbeater.stop();
    vi.useRealTimers();
  });

  /** Seconds between the beats of the next `seconds`. */
  const gaps = async (seconds: number) => {
    await vi.advanceTimersByTimeAsync(seconds * 1000);
    return beats.map((at, index) => Math.round((at - (beats[index - 1] ?? at)) * 10) / 10).slice(1);
  };

  it.each([
    [0, 90],
    [0.5, 135],
    [1, 180],
  ])('beats at once, then every 0.3 to 0.6 of the timeout (%s → %s s)', async (value, gap) => {
    random = value;
    heartbeater.start();
    expect(await gaps(500)).toEqual(Array(Math.floor(500 / gap)).fill(gap));
  });

  it('beats when a command ends, and every 5 s until its result was read', async () => {
    heartbeater.start();
    await vi.advanceTimersByTimeAsync(20_000);
    heartbeater.commandEnded();
    expect(await gaps(7)).toEqual([20, 5]);
    heartbeater.resultRead();
    expect((await gaps(30)).slice(2)).toEqual([5]); // planned already
    await vi.advanceTimersByTimeAsync(600_000);
    expect(beats.length).toBeLessThan(10);
  });

  it('stops repeating itself when nobody ever asks', async () => {
    heartbeater.start();
    await vi.advanceTimersByTimeAsync(10_000);
    heartbeater.commandEnded();
    await vi.advanceTimersByTimeAsync(100_000);
    expect(beats.length).toBe(8); // the first, one for the end, six more
  });

  it('waits out a lock shortly and other failures longer', async () => {
    outcomes = [
      { kind: 'locked', why: '' },
      { kind: 'locked', why: '' },
      { kind: 'locked', why: '' },
      { kind: 'locked', why: '' },
      { kind: 'refused', why: '' },
      { kind: 'unreachable', why: '' },
    ];
    heartbeater.start();
    expect(await gaps(60)).toEqual([1.5, 3, 6, 7.5, 7.5, 7.5]);
  });

  it('does not beat twice within a second', async () => {
    heartbeater.start();
    await vi.advanceTimersByTimeAsync(100);
    heartbeater.commandEnded();
    heartbeater.commandEnded();
    expect(await gaps(2)).toEqual([1]);
  });

  it('is silent when stopped', async () => {
    heartbeater.start();
    await vi.advanceTimersByTimeAsync(100);
    heartbeater.stop();
    heartbeater.commandEnded();
    await vi.advanceTimersByTimeAsync(1_000_000);
    expect(beats).toHaveLength(1);
  });
});
