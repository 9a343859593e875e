import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { EventWriter } from '../../../../../src/api/v1/event/event-writer.js';
import { throwOnce } from '../../../../support/faults/throw-once.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

function open() {
  const response = new PassThrough();
  const writer = new EventWriter(response as unknown as ServerResponse);
  const closed = vi.fn();
  writer.onClose(closed);
  return { response, writer, closed };
}

it.each([
  ['whose reader goes', ''],
  ['whose reader goes, though the handler throws', 'event stream: reader'],
])('a stream %s keeps no timer', async (_, owner) => {
  throwOnce(owner);
  const { response, closed } = open();
  expect(vi.getTimerCount()).toBe(1);
  response.destroy();
  await vi.waitUntil(() => closed.mock.calls.length > 0);
  expect(closed).toHaveBeenCalledTimes(1);
  expect(vi.getTimerCount()).toBe(0);
});

it('a stream that cannot be written ends, though the handler of that throws', () => {
  const { thrown } = throwOnce('event stream: reader');
  const { response } = open();
  response.emit('error', new Error('EPIPE'));
  expect(thrown()).toBe(true);
  expect(response.writableEnded).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

it('a reader that is slow again and again leaves no listener behind', async () => {
  const { response, writer } = open();
  const listeners = response.listenerCount('close');
  for (let times = 0; times < 3; times++) {
    writer.event('1', 'x', 'x'.repeat(200_000));
    const drained = writer.drained();
    response.resume();
    await drained;
    response.pause();
  }
  expect(response.listenerCount('close')).toBe(listeners);
});

it('a beat that throws is followed by the next', () => {
  const { thrown } = throwOnce('event stream: beat');
  const { response } = open();
  const read = () => String(response.read() ?? '');
  read();
  vi.advanceTimersByTime(15_000);
  expect(thrown()).toBe(true);
  expect(read()).toBe('');
  vi.advanceTimersByTime(15_000);
  expect(read()).toBe(': beat\n\n');
});
