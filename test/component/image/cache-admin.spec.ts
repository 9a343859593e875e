import { rm, stat } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ImageServer, startImageServer } from '../../support/image-server.js';
import { type ImageBed, imageBed, noise, sha256 } from '../../support/image-service.js';

const MiB = 1 << 20;
/** Machines that run tests are slow at times. */
const PATIENCE = { timeout: 20_000 };
const DATED = 'Sun, 06 Nov 1994 08:49:37 GMT';
let server: ImageServer;
let bed: ImageBed;

beforeEach(async () => {
  server = await startImageServer();
  for (const name of ['a', 'b', 'c'])
    server.images.set(`/${name}`, {
      body: noise(2 * MiB, name.charCodeAt(0)),
      lastModified: DATED,
      etag: `"${name}"`,
    });
  bed = await imageBed({ cache_size_mib: 3, idle_timeout: 30 });
});
afterEach(async () => {
  await bed.close();
  await server.close();
});

const url = (name: string) => `${server.url}/${name}`;
const fetch = (name: string, target = bed.target(), waiter?: string) =>
  bed.service.fetchTo(url(name), target, waiter === undefined ? {} : { waiter });
const image = async (name: string) =>
  (await bed.service.cacheAdmin.report()).images.find(({ href }) => href === url(name));
const prefetchOf = async (id: string) =>
  (await bed.service.cacheAdmin.report()).prefetches.find((one) => one.id === id)!;
async function ended(id: string) {
  for (;;) {
    const one = await prefetchOf(id);
    if (one.finished_at !== null) return one;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('the cache, as its operators see it', () => {
  it('says of each image whence it is, how fresh, and what it saved', async () => {
    const target = (await fetch('a')).path;
    await fetch('a', bed.target('again'));
    expect(await image('a')).toMatchObject({
      last_modified: '1994-11-06T08:49:37.000Z',
      etag: '"a"',
      sha256: sha256(server.images.get('/a')!.body).value,
      in_use: true,
      hits: 1,
      bytes_saved: 2 * MiB,
      eviction_order: null,
      pinned_at: null,
    });
    expect(Date.now() - Date.parse((await image('a'))!.fetched_at!)).toBeLessThan(60_000);
    for (const path of [target, bed.target('again')]) await rm(path);
    expect(await image('a')).toMatchObject({ in_use: false, eviction_order: 1 });
    expect(await bed.service.cacheAdmin.report()).toMatchObject({
      max_size: 3 * MiB,
      bytes_saved: 2 * MiB,
    });
  });

  it('says who waits, and how far it is', async () => {
    const { body } = server.images.get('/b')!;
    let go = () => {};
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    server.images.get('/b')!.fault = (request, response) => {
      if (request.method === 'HEAD') return false;
      response.writeHead(200, { 'content-length': body.length, 'last-modified': DATED });
      response.write(body.subarray(0, MiB));
      void held.then(() => response.end(body.subarray(MiB)));
      return true;
    };
    const both = [fetch('b', bed.target(), 'node one'), fetch('b', bed.target(), 'node two')];
    await expect
      .poll(async () => (await bed.service.cacheAdmin.report()).transfers, PATIENCE)
      .toMatchObject([{ href: url('b'), waiting: ['node one', 'node two'] }]);
    const { id } = (await bed.service.cacheAdmin.report()).transfers[0]!;
    await expect(bed.service.cacheAdmin.evict(id)).rejects.toThrow(/being fetched for node one, node two/);
    go();
    await Promise.all(both);
    expect((await bed.service.cacheAdmin.report()).transfers).toEqual([]);
  });

  it('takes the image away that it said would go next, and never a pinned one, after a restart neither', async () => {
    await rm((await fetch('a')).path);
    const first = (await image('a'))!;
    await bed.service.cacheAdmin.pin(first.id);
    await rm((await fetch('b')).path);
    // 4 MiB are too many, but neither may go while b is delivered.
    expect(await image('a')).toMatchObject({ pinned_at: expect.any(String), eviction_order: null });
    const next = (await image('b'))!;
    expect(next.eviction_order).toBe(1);
    expect(await bed.service.cleanUp()).toMatchObject({ removed: [next.id] });
    await expect(bed.service.cacheAdmin.evict(first.id)).rejects.toThrow('is pinned');
    await bed.service.close();
    const again = await imageBed({ cache_size_mib: 1 }, bed.directory);
    try {
      expect(await again.service.cleanUp()).toMatchObject({ removed: [] });
      expect((await again.service.cacheAdmin.report()).images.map(({ id }) => id)).toEqual([first.id]);
      await again.service.cacheAdmin.unpin(first.id);
      expect(await again.service.cleanUp()).toMatchObject({ removed: [first.id] });
    } finally {
      await again.close();
    }
  });

  it('evicts what is free, refuses what is in use', async () => {
    const { path } = await fetch('a');
    const { id } = (await image('a'))!;
    await expect(bed.service.cacheAdmin.evict(id)).rejects.toThrow('is in use by a deployment');
    await rm(path);
    await bed.service.cacheAdmin.evict(id);
    expect(await image('a')).toBeUndefined();
    await expect(bed.service.cacheAdmin.evict(id)).rejects.toThrow('is not in the cache');
    await expect(bed.service.cacheAdmin.pin(id)).rejects.toThrow('is not in the cache');
  });

  it('fetches ahead, once, and says why it cannot', async () => {
    const { cacheAdmin: admin } = bed.service;
    const { value } = sha256(server.images.get('/a')!.body);
    const asked = await admin.prefetch(url('a'), value, false);
    expect(await admin.prefetch(url('a'), value, false)).toMatchObject({ id: asked.id });
    expect(await ended(asked.id)).toMatchObject({
      state: 'done',
      error: null,
      total: 2 * MiB,
      bytes: 2 * MiB,
    });
    expect(await image('a')).toMatchObject({ in_use: false });
    expect(await fetch('a')).toMatchObject({ from_cache: true });
    const wrong = await admin.prefetch(url('b'), '0'.repeat(64), false);
    expect(await ended(wrong.id)).toMatchObject({
      state: 'failed',
      error: expect.stringMatching(/checksum/i),
    });
    server.images.get('/c')!.lastModified = '';
    const unkept = await admin.prefetch(url('c'), null, false);
    expect((await ended(unkept.id)).error).toContain('no copy can be kept');
    await expect(admin.prefetch('ftp://x/y', null, false)).rejects.toThrow(/href/);
    await expect(admin.prefetch(url('a'), 'zz', false)).rejects.toThrow(/checksum/);
  });

  it('carries a prefetch on that a stop cut off', async () => {
    const served = server.images.get('/a')!;
    served.fault = (request, response) => {
      if (request.method === 'HEAD') return false;
      response.writeHead(200, { 'content-length': served.body.length, 'last-modified': DATED });
      response.write(served.body.subarray(0, MiB));
      return true; // and no more
    };
    const { id } = await bed.service.cacheAdmin.prefetch(url('a'), null, false);
    await expect.poll(async () => (await prefetchOf(id)).state, PATIENCE).toBe('fetching');
    await expect.poll(() => server.count('GET /a'), PATIENCE).toBe(1);
    await bed.service.close();
    delete served.fault;
    const before = bed;
    bed = await imageBed({ cache_size_mib: 3 }, before.directory);
    expect(await ended(id)).toMatchObject({ state: 'done' });
    expect((await stat(before.directory)).isDirectory()).toBe(true);
    await bed.close();
    bed = before;
    await rm(before.directory, { recursive: true });
  });
});
