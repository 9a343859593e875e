import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RequestThread } from '../../../src/platform/request-thread.js';

interface Request {
  act: 'answer' | 'throw' | 'exit';
}

describe('RequestThread', () => {
  let thread: RequestThread<Request, { thread: number }>;
  beforeEach(() => {
    thread = new RequestThread(
      new URL('../../support/dying-worker.js', import.meta.url),
      'test thread',
      'answers tests',
    );
  });
  afterEach(() => thread.close());

  it.each([
    ['throw', /The thread that answers tests ended: a fault of the worker/],
    ['exit', /The thread that answers tests ended: exit 3/],
  ] as const)('fails every waiting request if its worker ends by %s, and starts anew', async (act, words) => {
    const { thread: first } = await thread.ask({ act: 'answer' });
    const lost = await Promise.allSettled([thread.ask({ act }), thread.ask({ act: 'answer' })]);
    for (const one of lost) expect(one).toMatchObject({ status: 'rejected', reason: { code: 'internal' } });
    await expect(thread.ask({ act })).rejects.toThrow(words);
    expect(thread.waiting).toBe(0);
    expect((await thread.ask({ act: 'answer' })).thread).not.toBe(first);
  });

  it('cancels what waits when it is closed, and takes nothing more', async () => {
    const waiting = thread.ask({ act: 'answer' });
    const ended = expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    await thread.close();
    await ended;
    await expect(thread.ask({ act: 'answer' })).rejects.toMatchObject({ code: 'cancelled' });
  });
});
