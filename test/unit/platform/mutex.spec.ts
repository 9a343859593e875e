import { describe, expect, it } from 'vitest';
import { KeyedMutex, Semaphore } from '../../../src/platform/mutex.js';
import { throwOnce } from '../../support/faults/throw-once.js';

const moment = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('KeyedMutex', () => {
  it('runs one at a time for a name, in order, also after a failure', async () => {
    const lock = new KeyedMutex();
    const log: string[] = [];
    const action = (name: string) => async () => {
      log.push(`+${name}`);
      await moment();
      log.push(`-${name}`);
      if (name === 'b') throw new Error('b');
    };
    const all = ['a', 'b', 'c'].map((name) => lock.run('x', action(name)));
    await Promise.allSettled([...all, lock.run('y', action('other'))]);
    expect(log.filter((entry) => !entry.includes('other'))).toEqual(['+a', '-a', '+b', '-b', '+c', '-c']);
    expect(log.indexOf('+other')).toBeLessThan(log.indexOf('-a'));
  });
});

describe('Semaphore', () => {
  it('lets only so many in, and a waiter may leave the line', async () => {
    const slots = new Semaphore(2);
    let [now, most] = [0, 0];
    const work = async () => {
      most = Math.max(most, ++now);
      await moment();
      now--;
    };
    const never = new AbortController();
    const leaver = new AbortController();
    const all = Array.from({ length: 5 }, () => slots.run(never.signal, work));
    const left = slots.run(leaver.signal, work);
    all.push(slots.run(never.signal, work));
    leaver.abort();
    await expect(left).rejects.toMatchObject({ code: 'cancelled' });
    await Promise.all(all);
    expect([now, most]).toEqual([0, 2]);
    await expect(slots.run(AbortSignal.abort(), work)).rejects.toMatchObject({ code: 'cancelled' });
    await slots.run(never.signal, work);
  });

  it('hands a place on without letting a newcomer slip in', async () => {
    const slots = new Semaphore(1);
    const { signal } = new AbortController();
    let [now, most] = [0, 0];
    const work = async () => {
      most = Math.max(most, ++now);
      await moment();
      now--;
    };
    const first = slots.run(signal, work);
    const second = slots.run(signal, work);
    const third = first.then(() => slots.run(signal, work));
    await Promise.all([first, second, third]);
    expect(most).toBe(1);
  });

  it('lets a waiter go although the handler of its leave throws, and nobody else with it', async () => {
    const slots = new Semaphore(1);
    const never = new AbortController();
    const first = Promise.withResolvers<void>();
    const running = slots.run(never.signal, () => first.promise);
    const { thrown } = throwOnce('semaphore');
    const leaver = new AbortController();
    const left = slots.run(leaver.signal, moment);
    const other = slots.run(never.signal, moment);
    leaver.abort();
    await expect(left).rejects.toMatchObject({ code: 'cancelled' });
    first.resolve();
    await Promise.all([running, other]);
    expect(thrown()).toBe(true);
  });
});
