import { readFile, stat } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { throwOnce } from '../../support/faults/throw-once.js';
import { BODY as body, MiB, NEW, OLD, useHttpImages } from '../../support/http-images.js';
import { cutAfter, headersOf } from '../../support/image-server.js';
import { noise, sha256 } from '../../support/image-service.js';

const bed = useHttpImages();
const { fetchTo, gets, image, url } = bed;

describe('a cut', () => {
  it('is resumed by Range with the validator', async () => {
    image().fault = cutAfter(3 * MiB, image);
    expect((await fetchTo()).sha256).toBe(sha256(body).value);
    const [, resumed] = bed.server.log.filter((line) => line.startsWith('GET'));
    expect(Number(/bytes=(\d+)- if "one"$/.exec(resumed!)?.[1])).toBeGreaterThan(0);
    expect(gets()).toBe(2);
  });

  it.each<[string, object]>([
    ['by Last-Modified alone', { etag: undefined }],
    ['where the server ignores Range', { headers: {}, ignore: true }],
    ['where nothing can be validated', { etag: undefined, lastModified: undefined }],
  ])('%s', async (_name, change) => {
    Object.assign(image(), change);
    const cut = cutAfter(2 * MiB, image)!;
    image().fault = (request, response, turn) => {
      if ('ignore' in change) delete request.headers.range;
      return cut(request, response, turn);
    };
    expect((await fetchTo()).sha256).toBe(sha256(body).value);
    expect(gets()).toBe(2);
  });

  it('of an image that changes meanwhile starts from the beginning', async () => {
    const changed = noise(body.length, 7);
    const cut = cutAfter(2 * MiB, image)!;
    image().fault = (request, response, turn) => {
      const faulty = cut(request, response, turn);
      if (request.method === 'GET') Object.assign(image(), { etag: '"two"' });
      if (request.method === 'GET' && turn === 1) image().body = changed;
      return faulty;
    };
    expect((await fetchTo({ checksum: sha256(changed) })).sha256).toBe(sha256(changed).value);
  });

  it('answered with the wrong range is no good answer', async () => {
    const cut = cutAfter(2 * MiB, image)!;
    image().fault = (request, response, turn) => {
      if (cut(request, response, turn)) return true;
      if (turn !== 1 || request.method === 'HEAD') return false;
      response.writeHead(206, {
        'content-range': `bytes 5-${body.length - 1}/${body.length}`,
        etag: '"one"',
      });
      response.end(body.subarray(5));
      return true;
    };
    expect((await fetchTo()).sha256).toBe(sha256(body).value);
    expect([bed.server.count('HEAD'), gets()]).toEqual([1, 3]);
  });
});

describe('freshness', () => {
  it('newer at the server: fetched again; older or the same: not', async () => {
    await fetchTo();
    const replaced = noise(body.length, 3);
    Object.assign(image(), { body: replaced, lastModified: NEW });
    const second = await fetchTo({ checksum: sha256(replaced) });
    expect(second.from_cache).toBe(false);
    expect(await readFile(second.path)).toEqual(replaced);
    image().lastModified = 'Sunday, 06-Nov-94 08:49:37 GMT';
    expect((await fetchTo({ checksum: sha256(replaced) })).from_cache).toBe(true);
    expect(gets()).toBe(2);
  });

  it('newer at the server counts without any checksum, too', async () => {
    const plain = () => bed.images.service.fetchTo(url(), bed.images.target());
    await plain();
    expect((await plain()).from_cache).toBe(true);
    const replaced = noise(body.length, 3);
    Object.assign(image(), { body: replaced, lastModified: NEW });
    expect(await plain()).toMatchObject({ from_cache: false, sha256: sha256(replaced).value });
    // The same time but another length is another image.
    image().body = noise(1000);
    expect(await plain()).toMatchObject({ from_cache: false, size: 1000 });
  });

  it('without Last-Modified: fetched each time, and not kept', async () => {
    delete image().lastModified;
    for (let i = 0; i < 3; i++) expect((await fetchTo()).from_cache).toBe(false);
    expect(gets()).toBe(3);
    expect(await bed.images.masters()).toEqual([]);
  });

  it('no-store: likewise, also for one that was kept before', async () => {
    await fetchTo();
    image().headers = { 'cache-control': 'public, No-Store' };
    expect((await fetchTo()).from_cache).toBe(false);
    expect(await bed.images.masters()).toEqual([]);
  });

  it('another checksum than the cached bytes have: fetched again, and the good copy stays when it is wrong', async () => {
    await fetchTo();
    await expect(fetchTo({ checksum: sha256(noise(4)) })).rejects.toMatchObject({ code: 'image-refused' });
    expect((await fetchTo()).from_cache).toBe(true);
    expect(gets()).toBe(2);
  });
});

describe('many at once', () => {
  const slowly = () => {
    image().fault = (request, response) => {
      if (request.method === 'HEAD') return false;
      response.writeHead(200, { ...headersOf(image()), 'content-length': body.length });
      response.write(body.subarray(0, MiB));
      setTimeout(() => response.end(body.subarray(MiB)), 300);
      return true;
    };
  };

  it.each([true, false])('50 waiters are one download (Last-Modified: %s)', async (dated) => {
    if (!dated) delete image().lastModified;
    slowly();
    const all = await Promise.all(Array.from({ length: 50 }, () => fetchTo()));
    expect(gets()).toBe(1);
    expect(new Set(all.map(({ path }) => path)).size).toBe(50);
    for (const { path } of all) expect((await stat(path)).size).toBe(body.length);
  });

  it.each([
    ['', 0],
    [', also when the handler of the first throws', 1],
    [', also when the handler of the last throws', 2],
  ])('one who leaves does not take the others with him; the last one does%s', async (_, call) => {
    const { thrown } = throwOnce('images: a waiter leaves', call);
    slowly();
    const [a, b] = [new AbortController(), new AbortController()];
    const leaving = fetchTo({ signal: a.signal });
    const staying = fetchTo();
    setTimeout(() => a.abort(), 100);
    await expect(leaving).rejects.toMatchObject({ code: 'cancelled' });
    expect((await staying).size).toBe(body.length);
    image().lastModified = NEW;
    const alone = fetchTo({ signal: b.signal });
    setTimeout(() => b.abort(), 100);
    await expect(alone).rejects.toMatchObject({ code: 'cancelled' });
    expect((await fetchTo()).size).toBe(body.length);
    expect((await bed.images.masters()).length).toBe(1);
    expect(thrown()).toBe(true);
  });

  it('a waiter with a wrong checksum spoils nothing for one with the right one', async () => {
    slowly();
    const wrong = fetchTo({ checksum: sha256(noise(4)) });
    const right = fetchTo();
    await expect(wrong).rejects.toMatchObject({ code: 'image-refused' });
    expect((await right).size).toBe(body.length);
  });

  it('no more than the configured number of downloads run together', async () => {
    await bed.restart({ parallel_downloads: 2 });
    let most = 0;
    // Each waits for a second one, however long that takes, and both a little longer for a third.
    const waiting: (() => void)[] = [];
    for (let i = 0; i < 6; i++)
      bed.server.images.set(`/${i}.img`, {
        body,
        lastModified: OLD,
        fault: (request, response) => {
          if (request.method === 'HEAD') return false;
          waiting.push(() => response.writeHead(200, { 'content-length': body.length }).end(body));
          most = Math.max(most, waiting.length);
          if (waiting.length === 2) setTimeout(() => waiting.splice(0).map((answer) => answer()), 50);
          return true;
        },
      });
    const all = Array.from({ length: 6 }, (_, i) =>
      bed.images.service.fetchTo(`${bed.server.url}/${i}.img`, bed.images.target()),
    );
    await Promise.all(all);
    expect(most).toBe(2);
  });

  it('closing ends what is under way', async () => {
    slowly();
    const running = fetchTo();
    const failed = expect(running).rejects.toMatchObject({ code: 'cancelled' });
    setTimeout(() => void bed.images.service.close(), 100);
    await failed;
    await expect(fetchTo()).rejects.toMatchObject({ code: 'cancelled' });
  });
});
