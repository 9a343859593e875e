import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  BmcQueue,
  bmcKey,
  type FinishedTurn,
  type Turn,
  type Verdict,
} from '../../../../src/driver/bmc/queue.js';
import { throwOnce } from '../../../support/faults/throw-once.js';

class Fault extends Error {
  constructor(readonly verdict: Verdict) {
    super(verdict);
  }
}
const turn = (extra: Partial<Turn> = {}): Turn => ({
  signal: new AbortController().signal,
  judge: (error) => (error instanceof Fault ? error.verdict : 'answered'),
  ...extra,
});
const queue = (extra = {}) =>
  new BmcQueue({ maxRunning: 2, maxWaiting: 3, maxInterval: 400, grace: 30, ...extra });

describe('BmcQueue', () => {
  it('gives each BMC one command at a time, in order, and never more than the cap at once', async () => {
    const q = queue();
    const log: string[] = [];
    let running = 0;
    let most = 0;
    const perBmc = new Map<string, number>();
    const work = (bmc: string, n: number) => async () => {
      most = Math.max(most, ++running);
      perBmc.set(bmc, (perBmc.get(bmc) ?? 0) + 1);
      expect(perBmc.get(bmc)).toBe(1);
      await sleep(2);
      log.push(`${bmc}${n}`);
      perBmc.set(bmc, 0);
      running--;
    };
    const all = [1, 2, 3].flatMap((n) => ['a', 'b', 'c', 'd'].map((bmc) => q.run(bmc, work(bmc, n), turn())));
    await Promise.all(all);
    expect(most).toBe(2);
    for (const bmc of ['a', 'b', 'c', 'd']) {
      expect(log.filter((line) => line.startsWith(bmc))).toEqual([`${bmc}1`, `${bmc}2`, `${bmc}3`]);
    }
    expect(q.depth).toEqual({ running: 0, waiting: 0, queued: 0, longestWait: 0 });
  });

  it('lets dead BMCs hold up no healthy one', async () => {
    const q = queue({ maxRunning: 4, maxWaiting: 2000 });
    const dead = (key: number) =>
      q
        .run(`dead ${key}`, () => sleep(2_000).then(() => Promise.reject(new Fault('silent'))), turn())
        .catch((error: Fault) => error.verdict);
    const healthy = async (key: number) => {
      const started = performance.now();
      await q.run(`healthy ${key}`, () => sleep(1), turn());
      return performance.now() - started;
    };
    // Nothing is known of them: each takes a place for its grace only.
    const first = Array.from({ length: 40 }, (_, i) => dead(i));
    const started = performance.now();
    await healthy(0);
    expect(performance.now() - started).toBeLessThan(1_900);
    await Promise.all(first);
    // Now they are known.
    const second = Array.from({ length: 40 }, (_, i) => dead(i));
    const waits = await Promise.all(Array.from({ length: 40 }, (_, i) => healthy(i)));
    expect(Math.max(...waits)).toBeLessThan(1_500);
    await Promise.all(second);
  });

  it('frees the place of a command that turns out to wait for its BMC', async () => {
    const q = queue({ maxRunning: 1 });
    const slow = q.run('slow', () => sleep(1_500), turn());
    const started = performance.now();
    await q.run('quick', () => sleep(1), turn());
    expect(performance.now() - started).toBeLessThan(1_200);
    await sleep(1);
    expect(q.depth).toMatchObject({ running: 0, waiting: 1 });
    await slow;
  });

  it('takes urgent commands first where silent BMCs wait', async () => {
    const q = queue({ maxRunning: 5, maxWaiting: 1 });
    const order: string[] = [];
    const call = (key: string, urgent = false) =>
      q
        .run(
          key,
          async () => {
            order.push(key);
            await sleep(5);
            throw new Fault('silent');
          },
          turn({ urgent }),
        )
        .catch(() => {});
    await Promise.all(['a', 'b', 'c'].map((key) => call(key)));
    order.length = 0;
    await Promise.all([call('a'), call('b'), call('c', true)]);
    expect(order).toEqual(['a', 'c', 'b']);
  });

  it('rests a BMC that asks for it, ever longer up to the ceiling, and no other; then forgets', async () => {
    const q = queue();
    const starts: number[] = [];
    const call = (verdict?: Verdict) =>
      q
        .run(
          'bmc',
          async () => {
            starts.push(performance.now());
            if (verdict) throw new Fault(verdict);
          },
          turn(),
        )
        .catch(() => {});
    await Promise.all([call(), call(), call('busy'), call('busy'), call('busy'), call()]);
    const gaps = starts.slice(1).map((start, i) => start - starts[i]!);
    expect(gaps[0]).toBeLessThan(220);
    expect(gaps[1]).toBeLessThan(220);
    expect(gaps[2]).toBeGreaterThan(240);
    expect(gaps[3]).toBeGreaterThan(390);
    expect(gaps[4]).toBeGreaterThan(390);
    expect(gaps[4]).toBeLessThan(3_000);
  });

  it('drops a queued command whose work was cancelled, and runs the next one', async () => {
    const q = queue({ maxRunning: 1 });
    const abort = new AbortController();
    const first = q.run('a', () => sleep(20), turn());
    let ran = false;
    const second = q.run(
      'a',
      async () => {
        ran = true;
      },
      turn({ signal: abort.signal }),
    );
    const third = q.run('a', async () => 'third', turn());
    abort.abort();
    await expect(second).rejects.toMatchObject({ code: 'cancelled' });
    await expect(third).resolves.toBe('third');
    await first;
    expect(ran).toBe(false);
  });

  it('tells how deep it is, and of each command how long it waited and took, and how it ended', async () => {
    const finished: FinishedTurn[] = [];
    const q = queue({ maxRunning: 1, observe: (one: FinishedTurn) => finished.push(one) });
    const abort = new AbortController();
    const first = q.run('a', () => sleep(25), turn());
    const second = q.run('a', () => sleep(5).then(() => Promise.reject(new Fault('silent'))), turn());
    const given = q.run('b', async () => {}, turn({ signal: abort.signal }));
    await sleep(10);
    expect(q.depth).toMatchObject({ running: 1, waiting: 0, queued: 2 });
    expect(q.depth.longestWait).toBeGreaterThanOrEqual(9);
    abort.abort();
    await expect(given).rejects.toMatchObject({ code: 'cancelled' });
    await first;
    await expect(second).rejects.toMatchObject({ verdict: 'silent' });
    await sleep(0);
    expect(finished.map(({ bmc, end }) => [bmc, end])).toEqual([
      ['b', 'cancelled'],
      ['a', 'answered'],
      ['a', 'silent'],
    ]);
    expect(finished[1]!.took).toBeGreaterThanOrEqual(24);
    expect(finished[1]!.waited).toBeLessThan(finished[1]!.took);
    expect(finished[2]!.waited).toBeGreaterThanOrEqual(24);
    expect(q.depth).toEqual({ running: 0, waiting: 0, queued: 0, longestWait: 0 });
  });

  it('takes one BMC for one, however its name is written', () => {
    expect(bmcKey({ address: 'BMC-1.Example', port: 623 })).toBe(
      bmcKey({ address: 'bmc-1.example', port: 623 }),
    );
    expect(bmcKey({ address: 'bmc-1.example', port: 443 })).not.toBe(
      bmcKey({ address: 'bmc-1.example', port: 623 }),
    );
  });
});

describe('a fault in the queue’s own code', () => {
  it.each([
    ['the metrics', { observe: raise }, {}],
    ['the judgement of an error', {}, { judge: raise }],
  ])('of %s holds up no further command, of this BMC or of another one', async (_, settings, extra) => {
    const q = queue({ maxRunning: 1, ...settings });
    for (let i = 0; i < 3; i++)
      await q.run('a', () => Promise.reject(new Fault('answered')), turn(extra)).catch(() => undefined);
    expect(await q.run('a', async () => 'ran', turn())).toBe('ran');
    expect(await q.run('b', async () => 'ran', turn())).toBe('ran');
    await expect.poll(() => q.depth).toMatchObject({ running: 0, waiting: 0, queued: 0 });
  });

  it('at the end of a pause lets the BMC’s next command go', async () => {
    // The first command’s end is the first call, then the end of its grace is cancelled, then its pause ends.
    const { thrown } = throwOnce('bmc: queue', 2);
    const q = queue({ maxInterval: 50 });
    await q.run('a', () => Promise.reject(new Fault('busy')), turn()).catch(() => undefined);
    expect(await q.run('a', async () => 'ran', turn())).toBe('ran');
    expect(thrown()).toBe(true);
  });

  it('at the end of a wait in line ends that wait', async () => {
    const q = queue({ maxRunning: 1 });
    const first = Promise.withResolvers<void>();
    void q.run('a', () => first.promise, turn());
    const { thrown } = throwOnce('bmc: queue');
    const leaver = new AbortController();
    const left = q.run('a', async () => 'ran', turn({ signal: leaver.signal }));
    leaver.abort();
    await expect(left).rejects.toMatchObject({ code: 'cancelled' });
    expect(thrown()).toBe(true);
    first.resolve();
  });
});

function raise(): never {
  throw new Error('a fault on purpose');
}
