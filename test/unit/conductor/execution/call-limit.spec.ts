import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type CallLimit, limitedCall } from '../../../../src/conductor/execution/call-limit.js';
import { CancelledError, DatabaseAwayError, DriverCallTimeoutError } from '../../../../src/domain/errors.js';
import { BmcQueue } from '../../../../src/driver/bmc/queue.js';
import { pause } from '../../../../src/platform/pause.js';
import { throwOnce } from '../../../support/faults/throw-once.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const warned: string[] = [];
const log = { warn: (_: object, text?: string) => void warned.push(text ?? '') };
const never = () => new Promise<never>(() => {});

/** A call of at most 60 s; `end` is its outcome. */
function call<T>(work: (limit: CallLimit) => Promise<T>, signal = new AbortController().signal) {
  let limit!: CallLimit;
  let end: unknown = 'under way';
  warned.length = 0;
  limitedCall({ signal, limit: 60_000, log }, (given) => {
    limit = given;
    return work(given);
  }).then(
    (value) => {
      end = value;
    },
    (error: unknown) => {
      end = error;
    },
  );
  return { limit, end: () => end };
}
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('a call of a driver', () => {
  it('that heeds its signal ends at the limit, and its owner is told', async () => {
    const { end } = call(({ signal }) => pause(3_600_000, signal).catch((error) => Promise.reject(error)));
    await pass(59_999);
    expect(end()).toBe('under way');
    await pass(1);
    expect(end()).toEqual(new DriverCallTimeoutError(60_000));
    expect(warned).toEqual([]);
  });

  it('that hears no signal is left 5 s later, and has no effect any more', async () => {
    const { limit, end } = call(never);
    limit.ensure();
    await pass(64_999);
    expect(end()).toBe('under way');
    await pass(1);
    expect(end()).toBeInstanceOf(DriverCallTimeoutError);
    expect(warned).toEqual([expect.stringMatching(/has not ended/)]);
    expect(() => limit.ensure()).toThrow(DriverCallTimeoutError);
  });

  it('that ends in time gives its value or its own error', async () => {
    const good = call(async () => 'value');
    const bad = call(() => Promise.reject(new CancelledError()));
    await pass(0);
    expect([good.end(), bad.end()]).toEqual(['value', new CancelledError()]);
  });

  it('that ends just after the limit has done its work', async () => {
    const { end } = call(
      ({ signal }) => new Promise((done) => signal.addEventListener('abort', () => done(1))),
    );
    await pass(60_000);
    expect(end()).toBe(1);
  });

  it.each([
    ['one part', 1],
    ['two parts at once', 2],
  ])('is not limited while it transfers an image: %s', async (_, parts) => {
    const part = async (limit: CallLimit, ms: number) =>
      limit.untimed(() => new Promise<void>((done) => setTimeout(done, ms)));
    const { end } = call(async (limit) => {
      await Promise.all(Array.from({ length: parts }, (_unused, at) => part(limit, 3_600_000 * (at + 1))));
      return never();
    });
    await pass(3_600_000 * parts + 59_000);
    expect(end()).toBe('under way');
    await pass(1_000 + 5_000);
    expect(end()).toBeInstanceOf(DriverCallTimeoutError);
  });

  it('that is stopped ends as it says itself, and does not time out', async () => {
    const stop = new AbortController();
    const { end } = call(({ signal }) => {
      return new Promise((_done, failed) => signal.addEventListener('abort', () => failed(signal.reason)));
    }, stop.signal);
    stop.abort(new CancelledError('stopping'));
    await pass(0);
    expect(end()).toEqual(new CancelledError('stopping'));
  });

  it('that lost the database at the limit says so: it is taken up again', async () => {
    const away = new DatabaseAwayError('lost', true);
    const { end } = call(({ signal }) => {
      return new Promise((_done, failed) => signal.addEventListener('abort', () => failed(away)));
    });
    await pass(60_000);
    expect(end()).toBe(away);
  });

  it('that was still in line for its BMC at the limit says so: the BMC was not asked', async () => {
    const queue = new BmcQueue({ maxRunning: 1, maxWaiting: 0, maxInterval: 0 });
    const judge = () => 'answered' as const;
    let free!: () => void;
    const other = queue.run('other', () => new Promise<void>((done) => (free = done)), {
      signal: new AbortController().signal,
      judge,
    });
    const { end } = call(({ signal }) => queue.run('bmc', never, { signal, judge }));
    await pass(60_000);
    expect(end()).toMatchObject({ code: 'unavailable', message: expect.stringMatching(/^No turn .* 60 s/) });
    free();
    await other;
    await pass(1_000);
  });

  it.each(['driver call: limit', 'driver call: expired', 'driver call: grace'])(
    'ends although “%s” throws',
    async (owner) => {
      const { thrown } = throwOnce(owner);
      const { end } = call(never);
      await pass(65_000);
      expect(end()).toBeInstanceOf(DriverCallTimeoutError);
      expect(thrown()).toBe(true);
    },
  );

  it('that ended in its grace has ended although “driver call: end” throws', async () => {
    const { thrown } = throwOnce('driver call: end');
    const { end } = call(
      ({ signal }) => new Promise((done) => signal.addEventListener('abort', () => done(1))),
    );
    await pass(65_000);
    expect([end(), thrown()]).toEqual([1, true]);
  });
});
