import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PollLanes, type PollSettings } from '../../../../src/conductor/periodic/poll-lanes.js';
import { throwOnce } from '../../../support/faults/throw-once.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

interface Machine {
  uuid: string;
  updated_at: Date | null;
  dead: boolean;
}
const machines = (count: number, dead: number): Machine[] =>
  // The dead ones stand among the others.
  Array.from({ length: count }, (_, i) => ({
    uuid: `m${i}`,
    updated_at: null,
    dead: (i * dead) % count < dead,
  }));
const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const never = new AbortController().signal;
const settings = (extra: Partial<PollSettings> = {}): PollSettings => ({
  workers: 8,
  slow: 64,
  grace: 1_000,
  mostRest: 0,
  failed: (_, error) => expect.fail(String(error)),
  ...extra,
});

/** Seconds between two looks at each healthy machine, over rounds that begin every 120 s or when the last is over. */
async function ages(
  count: number,
  dead: number,
  extra: Partial<PollSettings> = {},
  rounds = 6,
): Promise<number[]> {
  const lanes = new PollLanes<Machine>(settings(extra));
  const all = machines(count, dead);
  const seen = new Map<string, number>();
  const gaps: number[] = [];
  const look = async (machine: Machine) => {
    await wait(machine.dead ? 23_000 : 300);
    if (machine.dead) return false;
    const now = Date.now();
    const last = seen.get(machine.uuid);
    if (last !== undefined) gaps.push((now - last) / 1_000);
    seen.set(machine.uuid, now);
    return true;
  };
  const run = (async () => {
    for (let round = 0; round < rounds; round++) {
      const started = Date.now();
      await lanes.round(all, look, never);
      await wait(Math.max(0, 120_000 - (Date.now() - started)));
    }
    await lanes.drain();
  })();
  await vi.runAllTimersAsync();
  await run;
  expect(seen.size).toBe(all.filter((machine) => !machine.dead).length);
  return gaps;
}

describe('PollLanes', () => {
  it('reads each healthy machine of 1,000 at its usual age beside 200 dead ones', async () => {
    const usual = Math.max(...(await ages(1_000, 0)));
    const beside = Math.max(...(await ages(1_000, 200)));
    expect(usual).toBeCloseTo(120, 0);
    expect(beside).toBeLessThanOrEqual(usual * 1.2);
    // Without a lane of their own the dead ones take the workers: 200 of them, 23 s each, by eights.
    const inLine = Math.max(...(await ages(1_000, 200, { grace: 1e9, slow: 0 }, 2)));
    expect(inLine).toBeGreaterThan(usual * 4);
  });

  it('goes on with a look that outlives its round, and begins no second one of it', async () => {
    const lanes = new PollLanes<Machine>(settings());
    const [slow] = machines(1, 1);
    let under = 0;
    let most = 0;
    let looks = 0;
    const look = async () => {
      looks++;
      most = Math.max(most, ++under);
      await wait(100_000);
      under--;
      return false;
    };
    const round = () => lanes.round([slow!], look, never);
    const three = (async () => {
      for (let i = 0; i < 3; i++) await round();
    })();
    await vi.advanceTimersByTimeAsync(10_000);
    await three;
    expect([looks, most]).toEqual([1, 1]);
    await vi.advanceTimersByTimeAsync(100_000);
    const again = round();
    await vi.runAllTimersAsync();
    await again;
    expect([looks, most]).toEqual([2, 1]);
  });

  it('leaves one that fails out of more and more rounds, until somebody changes it or it answers', async () => {
    const lanes = new PollLanes<Machine>(settings({ mostRest: 4 }));
    const machine: Machine = { uuid: 'm', updated_at: new Date(1), dead: true };
    let looks = 0;
    const look = async () => {
      looks++;
      return !machine.dead;
    };
    const rounds = async (count: number) => {
      looks = 0;
      const pattern: number[] = [];
      for (let i = 0; i < count; i++) {
        const before = looks;
        await lanes.round([machine], look, never);
        pattern.push(looks - before);
      }
      return pattern.join('');
    };
    expect(await rounds(16)).toBe('1101001000010000');
    machine.updated_at = new Date(2);
    expect(await rounds(1)).toBe('1');
    machine.dead = false;
    machine.updated_at = new Date(3);
    expect(await rounds(4)).toBe('1111');
  });

  it('what is thrown is told, and says nothing of the machine; after the end nothing is told', async () => {
    const told: string[] = [];
    const failed = (_: unknown, error: unknown) => void told.push(String(error));
    const lanes = new PollLanes<Machine>(settings({ failed }));
    const [one] = machines(1, 1);
    const broken = () => Promise.reject(new Error('ours'));
    await lanes.round([one!], broken, never);
    expect(told).toEqual(['Error: ours']);
    const end = new AbortController();
    end.abort();
    await expect(lanes.round([one!], broken, end.signal)).rejects.toThrow();
    expect(told).toHaveLength(1);
  });

  it('begins no more than its room at once of those that failed, and none after it was drained', async () => {
    const lanes = new PollLanes<Machine>(settings({ slow: 3 }));
    const all = machines(10, 10);
    let under = 0;
    let most = 0;
    let looks = 0;
    const look = async () => {
      looks++;
      most = Math.max(most, ++under);
      await wait(looks > 10 ? 50_000 : 1);
      under--;
      return false;
    };
    const first = lanes.round(all, look, never);
    await vi.runAllTimersAsync();
    await first;
    most = 0;
    const second = lanes.round(all, look, never);
    await vi.advanceTimersByTimeAsync(2_000);
    await second;
    expect([most, looks]).toEqual([3, 13]);
    const drained = lanes.drain();
    await vi.runAllTimersAsync();
    await drained;
    expect(looks).toBe(13);
  });

  it('a fault while a failure is told leaves nothing behind: polled again, and drained', async () => {
    let polls = 0;
    const broken = () => {
      polls++;
      return Promise.reject(new Error('ours'));
    };
    const failed = () => {
      throw new Error('no log');
    };
    const lanes = new PollLanes<Machine>(settings({ failed }));
    const [one] = machines(1, 1);
    await expect(lanes.round([one!], broken, never)).rejects.toThrow('no log');
    await expect(lanes.round([one!], broken, never)).rejects.toThrow('no log');
    expect(polls).toBe(2);
    await lanes.drain();
    await lanes.round([one!], async () => true, never);
  });

  it('polls the rest of the slow lane although the end of one poll throws', async () => {
    const { thrown } = throwOnce('look at machines');
    const lanes = new PollLanes<Machine>(settings({ slow: 1 }));
    const all = machines(3, 3);
    const polled: string[] = [];
    const look = async ({ uuid }: Machine) => {
      polled.push(uuid);
      await wait(300);
      return false;
    };
    for (let round = 0; round < 3; round++) {
      polled.length = 0;
      const running = lanes.round(all, look, never);
      await vi.runAllTimersAsync();
      await running;
      expect(polled.toSorted()).toEqual(['m0', 'm1', 'm2']);
    }
    expect(thrown()).toBe(true);
    await lanes.drain();
  });
});
