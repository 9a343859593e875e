import type { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { faultCounts } from '../../../src/platform/boundary.js';
import { WorkerThread } from '../../../src/platform/worker-thread.js';
import { throwOnce } from '../../support/faults/throw-once.js';

type Request = { id: number; act: 'answer' | 'throw' | 'exit' };
type Reply = { id: number; thread: number };

describe('WorkerThread', () => {
  let thread: WorkerThread<Request, Reply>;
  const replies: Reply[] = [];
  const deaths: string[] = [];
  let next = Promise.withResolvers<void>();
  const start = (message = (reply: Reply) => void replies.push(reply), name = 'test thread') => {
    replies.length = 0;
    deaths.length = 0;
    next = Promise.withResolvers();
    thread = new WorkerThread(
      new URL('../../support/dying-worker.js', import.meta.url),
      name,
      'answers tests',
      {
        message: (reply) => {
          message(reply);
          next.resolve();
        },
        death: ({ code, message: text }) => {
          deaths.push(`${code}: ${text}`);
          next.resolve();
        },
      },
    );
  };
  afterEach(() => thread.end());

  it.each([
    ['throw', 'a fault of the worker'],
    ['exit', 'exit 3'],
  ] as const)('a thread that ends by %s tells it once', async (act, why) => {
    start();
    thread.post({ id: 1, act });
    await next.promise;
    await thread.end();
    expect(deaths).toEqual([`internal: The thread that answers tests ended: ${why}`]);
  });

  it('a fault of our handler of its messages ends the thread, and is counted', async () => {
    const before = faultCounts()['test thread'] ?? 0;
    start(() => {
      throw new Error('a fault of the handler');
    });
    thread.post({ id: 1, act: 'answer' });
    thread.post({ id: 2, act: 'answer' });
    await next.promise;
    await thread.end();
    expect(deaths).toEqual(['internal: The thread that answers tests ended: a fault of the handler']);
    expect(faultCounts()['test thread']).toBe(before + 1);
  });

  it.each([
    ['exit', 'exit 3', () => thread.post({ id: 1, act: 'exit' })],
    ['error', 'a fault of the worker', () => thread.post({ id: 1, act: 'throw' })],
    ['messageerror', 'unreadable', (worker: Worker) => worker.emit('messageerror', new Error('unreadable'))],
  ])('its end is told although the handler of %s throws', async (_, why, cause) => {
    const born = Promise.withResolvers<Worker>();
    process.once('worker', born.resolve);
    const { thrown } = throwOnce('inspection rules: thread');
    start(undefined, 'inspection rules: thread');
    cause(await born.promise);
    await next.promise;
    await thread.end();
    expect(thrown()).toBe(true);
    expect(deaths).toEqual([`internal: The thread that answers tests ended: ${why}`]);
  });

  it('a thread that was ended delivers nothing more, and tells no death', async () => {
    start();
    thread.post({ id: 1, act: 'answer' });
    await next.promise;
    thread.post({ id: 2, act: 'answer' });
    await thread.end();
    expect(replies.map(({ id }) => id)).toEqual([1]);
    expect(deaths).toEqual([]);
  });
});
