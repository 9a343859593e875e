import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { expire } from '../../../../src/api/request/bytes.js';
import { chunksOf, drain } from '../../../../src/api/v2/image/transfer.js';
import { throwOnce } from '../../../support/faults/throw-once.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

const upload = (): IncomingMessage =>
  Object.assign(new PassThrough(), { headers: { 'content-length': '10' } }) as unknown as IncomingMessage;

it.each<[string, (body: IncomingMessage) => unknown]>([
  ['API: slow request', (body) => expire(body, 60_000)],
  ['images: refused upload', drain],
  [
    'images: silent upload',
    (body) =>
      chunksOf(body, 60_000)
        .next()
        .catch(() => undefined),
  ],
])('a body that does not come is cut although the timer of “%s” throws', async (owner, wait) => {
  const { thrown } = throwOnce(owner);
  const body = upload();
  void wait(body);
  await vi.advanceTimersByTimeAsync(59_000);
  expect(body.destroyed).toBe(false);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(thrown()).toBe(true);
  expect(body.destroyed).toBe(true);
});
