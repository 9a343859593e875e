import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Receiver } from '../../../src/image-library/receiver.js';
import { WorkerThread } from '../../../src/platform/worker-thread.js';
import { throwOnce } from '../../support/faults/throw-once.js';
import { noise, sha256 } from '../../support/image-service.js';

describe('Receiver', () => {
  const body = noise(3 << 20);
  let directory: string;
  let path: string;
  let receiver: Receiver;
  const posts = vi.spyOn(WorkerThread.prototype, 'post');
  beforeEach(async () => {
    posts.mockClear();
    directory = await mkdtemp(join(tmpdir(), 'ferric-receiver-'));
    path = join(directory, 'image');
    receiver = new Receiver();
  });
  afterEach(async () => {
    await receiver.close();
    await rm(directory, { recursive: true });
  });

  const receive = (source: AsyncIterable<Uint8Array>) =>
    receiver.receive(source, path, { offset: 0, whole: true, onChunk: () => undefined });
  async function* chunks() {
    for (let at = 0; at < body.length; at += 100_000) yield body.subarray(at, at + 100_000);
  }

  it('writes, hashes and inspects a stream', async () => {
    const { size, digests } = await receive(chunks());
    expect(size).toBe(body.length);
    expect(digests['sha256']).toBe(sha256(body).value);
    expect(Object.keys(digests).sort()).toEqual(['md5', 'sha256', 'sha512']);
    expect(body.equals(await readFile(path))).toBe(true);
  });

  it.each([0, 1, 2])(
    'the death of thread %i fails the upload, and the next one has new threads',
    async (lane) => {
      const ended = Promise.withResolvers<void>();
      async function* endless() {
        yield* chunks();
        const threads = [...new Set(posts.mock.contexts as WorkerThread<unknown, unknown>[])];
        threads[lane]!.post(null);
        await ended.promise;
        yield* chunks();
      }
      const upload = receive(endless());
      setTimeout(ended.resolve, 300);
      await expect(upload).rejects.toMatchObject({
        code: 'internal',
        message: expect.stringMatching(/^The thread that stores images ended: /),
      });
      expect((await receive(chunks())).digests['sha256']).toBe(sha256(body).value);
    },
  );

  it.each([
    ['the timer of idle threads', 1],
    ['the end of one of them', 2],
  ])('idle threads end although %s throws, and the next upload has new ones', async (_, call) => {
    const ends = vi.spyOn(WorkerThread.prototype, 'end');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => {
      vi.useRealTimers();
      ends.mockRestore();
    });
    await receive(chunks());
    const { thrown } = throwOnce('image store: thread', call);
    await receive(chunks());
    const threads = [...new Set(posts.mock.contexts as WorkerThread<unknown, unknown>[])];
    vi.advanceTimersByTime(40_000);
    await vi.waitUntil(thrown);
    expect(ends.mock.contexts).toEqual(threads);
    expect((await receive(chunks())).digests['sha256']).toBe(sha256(body).value);
  });
});
