import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { TransferPool } from '../../../src/image/fetch/transfer-pool.js';
import { WorkerThread } from '../../../src/platform/worker-thread.js';
import { throwOnce } from '../../support/faults/throw-once.js';
import { noise, sha256 } from '../../support/image-service.js';

const body = noise(2 << 20);
let directory: string;
let pool: TransferPool;
const posts = vi.spyOn(WorkerThread.prototype, 'post');
const threads = () => [...new Set(posts.mock.contexts as WorkerThread<unknown, unknown>[])];

beforeEach(async () => {
  posts.mockClear();
  directory = await mkdtemp(join(tmpdir(), 'ferric-pool-'));
  await writeFile(join(directory, 'a'), body);
  pool = new TransferPool(2);
});
afterEach(async () => {
  await pool.close();
  await rm(directory, { recursive: true });
});

const hash = (name = 'a', options: object = {}) =>
  pool.run<'copy'>({ kind: 'copy', source: join(directory, name), algorithms: ['md5'] }, options);

it('spreads jobs over its threads and no more', async () => {
  const all = await Promise.all(Array.from({ length: 10 }, () => hash()));
  for (const { digested } of all) expect(digested?.digests['sha256']).toBe(sha256(body).value);
  expect(threads().length).toBe(2);
});

it('a thread that dies fails its jobs, and the next job has a new one', async () => {
  await hash();
  const [thread] = threads();
  const running = hash();
  thread!.post('no message of ours');
  await expect(running).rejects.toThrow('The thread that downloads and hashes images ended');
  expect((await hash()).size).toBe(body.length);
});

it('an unforeseen fault fails one job only', async () => {
  const bad = pool.run<'copy'>({ kind: 'copy', source: join(directory, 'a'), algorithms: ['rot13'] });
  const good = hash();
  await expect(bad).rejects.toMatchObject({ code: 'internal' });
  expect((await good).size).toBe(body.length);
});

it('refuses work after its end and for a signal that has fired', async () => {
  await expect(hash('a', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
  await pool.close();
  await expect(hash()).rejects.toMatchObject({ code: 'cancelled' });
});

it('a fault in the cancellation of a job ends its thread, and the next job has a new one', async () => {
  await hash();
  const { thrown } = throwOnce('transfer thread');
  const stop = new AbortController();
  const running = hash('a', { signal: stop.signal });
  stop.abort();
  await expect(running).rejects.toMatchObject({ code: 'internal' });
  expect(thrown()).toBe(true);
  expect((await hash()).size).toBe(body.length);
  expect(threads().length).toBe(2);
});

it('an idle thread ends although its timer throws, and the next job has a new one', async () => {
  const ends = vi.spyOn(WorkerThread.prototype, 'end');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => {
    vi.useRealTimers();
    ends.mockRestore();
  });
  await hash();
  const { thrown } = throwOnce('transfer thread');
  await hash();
  vi.advanceTimersByTime(40_000);
  expect(thrown()).toBe(true);
  expect(ends.mock.contexts).toEqual(threads());
  expect((await hash()).size).toBe(body.length);
  expect(threads().length).toBe(2);
});
