import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  cutAfter,
  headersOf,
  type ImageServer,
  type ServedImage,
  startImageServer,
} from '../../support/image-server.js';
import { aHouse, type ImageHouse, noise, sha256 } from '../../support/image-service.js';

const MiB = 1 << 20;
const OLD = 'Sun, 06 Nov 1994 08:49:37 GMT';
const NEW = 'Thu, 19 Nov 2026 08:49:37 GMT';
const body = noise(4 * MiB + 77);
let server: ImageServer;
let house: ImageHouse;

beforeEach(async () => {
  server = await startImageServer();
  house = await aHouse();
  server.images.set('/disk.img', { body, lastModified: OLD, etag: '"one"' });
});
afterEach(async () => {
  await house.close();
  await server.close();
});

const url = () => `${server.url}/disk.img`;
const image = () => server.images.get('/disk.img')!;
const fetchTo = (options: object = {}, target = house.target()) =>
  house.service.fetchTo(url(), target, { checksum: sha256(body), ...options });
const gets = () => server.count('GET');
/** Nothing unverified stays: no master, no part, no target. */
async function expectNothingLeft(): Promise<void> {
  expect(await house.masters()).toEqual([]);
  expect(await readdir(`${house.directory}/out`).catch(() => [])).toEqual([]);
}

describe('an image over HTTP', () => {
  it('arrives whole, once, and again from the cache by a hard link', async () => {
    const steps: [number, number][] = [];
    const first = await fetchTo({ onProgress: (bytes: number, total: number) => steps.push([bytes, total]) });
    expect(first).toMatchObject({ size: body.length, disk_format: 'raw', from_cache: false });
    expect(first.sha256).toBe(sha256(body).value);
    expect(await readFile(first.path)).toEqual(body);
    expect(steps.at(-1)).toEqual([body.length, body.length]);
    const second = await fetchTo();
    expect(second).toMatchObject({ ...first, path: second.path, from_cache: true });
    expect((await stat(second.path)).ino).toBe((await stat(first.path)).ino);
    expect(gets()).toBe(1);
    expect((await house.service.cacheList())[0]).toMatchObject({ href: url(), inUse: true });
  });

  it.each(['md5', 'sha1', 'sha512', 'sha3-256', 'blake2b512'])('is checked by %s', async (algo) => {
    const value = createHash(algo).update(body).digest('hex');
    expect((await fetchTo({ checksum: { algo, value } })).from_cache).toBe(false);
    await expect(
      fetchTo({ checksum: { algo, value: value.replace(/^./, (c) => (c === '0' ? '1' : '0')) } }),
    ).rejects.toThrow('checksum is');
    expect((await fetchTo({ checksum: { algo, value } })).from_cache).toBe(true);
  });

  it('with a wrong checksum is refused and leaves nothing', async () => {
    await expect(fetchTo({ checksum: sha256(noise(9)) })).rejects.toMatchObject({
      code: 'image-refused',
      message: `The image's sha256 checksum is ${sha256(body).value}, but ${sha256(noise(9)).value} was expected.`,
    });
    await expectNothingLeft();
  });

  it('one flipped byte is a wrong checksum', async () => {
    const flipped = Buffer.from(body);
    flipped[body.length - 1]! ^= 1;
    image().body = flipped;
    await expect(fetchTo()).rejects.toMatchObject({ code: 'image-refused' });
    await expectNothingLeft();
  });

  it.each([
    ['404', 404, 1],
    ['403', 403, 1],
    ['503', 503, 3],
  ])('answered with %s fails clearly, retried only where that can help', async (_name, status, tries) => {
    image().fault = (request, response) => {
      if (request.method === 'HEAD') return false;
      response.writeHead(status).end();
      return true;
    };
    await expect(fetchTo()).rejects.toMatchObject({
      code: 'image-unavailable',
      message: `${url()}: answered with status ${status}`,
    });
    expect(gets()).toBe(tries);
    await expectNothingLeft();
  });

  it('is fetched again after two bad answers', async () => {
    image().fault = (request, response, turn) => {
      if (request.method === 'HEAD' || turn > 1) return false;
      response.writeHead(turn === 0 ? 503 : 500).end();
      return true;
    };
    expect((await fetchTo()).sha256).toBe(sha256(body).value);
  });

  it('empty, or beyond the limit, is refused before its body is read', async () => {
    server.images.set('/disk.img', { body: Buffer.alloc(0), lastModified: OLD });
    await expect(fetchTo()).rejects.toThrow('The image is empty.');
    await house.close();
    house = await aHouse({ max_size_mib: 1 });
    server.images.set('/disk.img', { body, lastModified: OLD });
    await expect(fetchTo()).rejects.toThrow(`has ${body.length} bytes; the limit is 1048576`);
    expect(server.log.at(-1)).toBe('HEAD /disk.img');
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['403', (response) => response.writeHead(403).end()],
    ['405', (response) => response.writeHead(405).end()],
    ['501', (response) => response.writeHead(501).end()],
    ['404', (response) => response.writeHead(404).end()],
    ['no length', (response) => response.writeHead(200, { 'transfer-encoding': 'chunked' }).end()],
    ['a length of 0', (response) => response.writeHead(200, { 'content-length': 0 }).end()],
    ['the connection cut', (response) => response.socket!.destroy()],
  ])('from a server that answers HEAD with %s', async (_answer, answer) => {
    image().fault = (request, response) => {
      if (request.method === 'HEAD') answer(response);
      return request.method === 'HEAD';
    };
    const { size } = await house.service.resolve(`${url()}?X-Amz-Signature=abc`);
    expect(size).toBe(body.length);
    expect(await fetchTo()).toMatchObject({ size: body.length, from_cache: false });
    expect((await fetchTo()).from_cache).toBe(true);
  });

  it('whose length is told by a range alone, or of which one byte is sent', async () => {
    image().fault = (request, response) => {
      if (request.method === 'HEAD') response.writeHead(403).end();
      else if (request.headers.range === 'bytes=0-0') {
        const range = `bytes 0-0/${body.length}`;
        response.writeHead(206, { ...headersOf(image()), 'content-range': range }).end('x');
      } else return false;
      return true;
    };
    expect((await house.service.resolve(url())).size).toBe(body.length);
    expect((await fetchTo()).size).toBe(body.length);
  });

  it('that is there for nobody is refused with the answer to GET', async () => {
    image().fault = (_request, response) => {
      response.writeHead(403).end();
      return true;
    };
    await expect(fetchTo()).rejects.toThrow(`${url()}: answered with status 403`);
  });
});

describe('an image whose length no server tells', () => {
  let sent: Buffer;
  beforeEach(() => {
    sent = body;
    image().fault = (request, response) => {
      if (request.method === 'HEAD') response.writeHead(405).end();
      else response.writeHead(200, { ...headersOf(image()), 'transfer-encoding': 'chunked' }).end(sent);
      return true;
    };
  });

  it('arrives whole, and again from the cache', async () => {
    expect((await house.service.resolve(url())).size).toBeUndefined();
    const steps: [number, number][] = [];
    const onProgress = (bytes: number, total: number) => steps.push([bytes, total]);
    expect(await fetchTo({ onProgress })).toMatchObject({ size: body.length, from_cache: false });
    expect(steps.at(-1)).toEqual([body.length, body.length]);
    expect((await fetchTo()).from_cache).toBe(true);
  });

  it('is cut at the limit', async () => {
    await house.close();
    house = await aHouse({ max_size_mib: 1 });
    await expect(fetchTo()).rejects.toThrow('more than 1048576 bytes, the limit');
    await expectNothingLeft();
  });

  it('is refused where it is empty, and where it is cut short', async () => {
    sent = Buffer.alloc(0);
    await expect(fetchTo()).rejects.toThrow('The image is empty.');
    sent = body.subarray(0, MiB);
    await expect(fetchTo()).rejects.toThrow('checksum is');
    await expectNothingLeft();
  });

  it('begins anew where its connection is cut', async () => {
    const whole = image().fault!;
    let cuts = 0;
    image().fault = (request, response, turn) => {
      if (request.method === 'HEAD' || request.headers.range === 'bytes=0-0' || cuts++ > 0)
        return whole(request, response, turn);
      response.writeHead(200, { ...headersOf(image()), 'transfer-encoding': 'chunked' });
      response.write(body.subarray(0, MiB), () => setTimeout(() => request.socket.resetAndDestroy(), 20));
      return true;
    };
    expect((await fetchTo()).size).toBe(body.length);
    expect(cuts).toBe(2);
  });
});

it('leads through ten redirects, and no further', async () => {
  const hops = (count: number) => {
    for (let hop = 0; hop < count; hop++) {
      const fault: ServedImage['fault'] = (_request, response) => {
        response.writeHead(302, { location: hop === 0 ? '/disk.img' : `/hop${hop - 1}` }).end();
        return true;
      };
      server.images.set(`/hop${hop}`, { body: Buffer.alloc(0), fault });
    }
    return house.service.fetchTo(`${server.url}/hop${count - 1}`, house.target(), { checksum: sha256(body) });
  };
  expect((await hops(10)).size).toBe(body.length);
  await expect(hops(11)).rejects.toThrow('redirects too often');
  await house.close();
  house = await aHouse({ max_redirects: 1 });
  await expect(hops(2)).rejects.toThrow('redirects too often');
});

describe('bodies that are not as announced', () => {
  it('truncated each time: refused after some attempts', async () => {
    image().fault = (request, response) => {
      if (request.method === 'HEAD') return false;
      response.writeHead(200, { ...headersOf(image()), 'content-length': body.length });
      response.write(body.subarray(0, 1000), () => setTimeout(() => response.destroy(), 5));
      return true;
    };
    await expect(fetchTo()).rejects.toMatchObject({ code: 'image-unavailable' });
    expect(gets()).toBe(3);
    await expectNothingLeft();
  });

  it('truncated without anybody saying so (chunked)', async () => {
    image().fault = (request, response) => {
      if (request.method === 'HEAD') return false;
      response.writeHead(200, { 'transfer-encoding': 'chunked' });
      response.end(body.subarray(0, MiB));
      return true;
    };
    await expect(fetchTo()).rejects.toThrow(`the body ended after ${MiB} of ${body.length} bytes`);
    await expectNothingLeft();
  });

  it('endless: cut off at the announced length', async () => {
    let sent = 0;
    image().fault = (request, response) => {
      if (request.method === 'HEAD') return false;
      response.writeHead(200, { 'transfer-encoding': 'chunked' });
      const more = () => {
        while (!response.destroyed && response.write(body.subarray(0, 65_536))) sent += 65_536;
      };
      response.on('drain', more);
      more();
      return true;
    };
    await expect(fetchTo()).rejects.toThrow('is not as long as the server announced');
    expect(sent).toBeLessThan(60 * body.length);
    await expectNothingLeft();
  });

  it('another length at GET than at HEAD: asked anew once, then refused', async () => {
    image().fault = (request, response) => {
      if (request.method !== 'HEAD') return false;
      response.writeHead(200, { ...headersOf(image()), 'content-length': body.length + 5 }).end();
      return true;
    };
    await expect(fetchTo()).rejects.toThrow('is not as long as the server announced');
    expect([server.count('HEAD'), gets()]).toEqual([2, 2]);
  });

  it('replaced between HEAD and GET: the new one is taken', async () => {
    const old = noise(MiB, 5);
    image().fault = (request, response, turn) => {
      if (request.method !== 'HEAD' || turn > 0) return false;
      response.writeHead(200, { ...headersOf(image()), 'content-length': old.length }).end();
      return true;
    };
    expect((await fetchTo()).size).toBe(body.length);
  });

  it('compressed on the way: refused', async () => {
    image().headers = { 'content-encoding': 'gzip' };
    await expect(fetchTo()).rejects.toThrow('in another encoding');
    await expectNothingLeft();
  });

  it('one byte a second: given up', async () => {
    image().fault = (request, response) => {
      if (request.method === 'HEAD') return false;
      response.writeHead(200, { 'content-length': body.length });
      const timer = setInterval(() => response.write('x'), 200);
      response.on('close', () => clearInterval(timer));
      return true;
    };
    await house.close();
    house = await aHouse({ download_attempts: 1 });
    await expect(fetchTo()).rejects.toThrow('sends fewer than 1024 bytes a second');
    await expectNothingLeft();
  });

  it('a total that takes too long: given up', async () => {
    image().fault = (request, response) => {
      if (request.method === 'HEAD') return false;
      response.writeHead(200, { 'content-length': body.length });
      const timer = setInterval(() => response.write(body.subarray(0, 2_000)), 20);
      response.on('close', () => clearInterval(timer));
      return true;
    };
    await house.close();
    house = await aHouse({ download_timeout: 0.5 });
    await expect(fetchTo()).rejects.toThrow('not complete after 0.5 s');
    await expectNothingLeft();
  });
});

describe('a cut', () => {
  it('is resumed by Range with the validator', async () => {
    image().fault = cutAfter(3 * MiB, image);
    expect((await fetchTo()).sha256).toBe(sha256(body).value);
    const [, resumed] = server.log.filter((line) => line.startsWith('GET'));
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
    expect([server.count('HEAD'), gets()]).toEqual([1, 3]);
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
    const plain = () => house.service.fetchTo(url(), house.target());
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
    expect(await house.masters()).toEqual([]);
  });

  it('no-store: likewise, also for one that was kept before', async () => {
    await fetchTo();
    image().headers = { 'cache-control': 'public, No-Store' };
    expect((await fetchTo()).from_cache).toBe(false);
    expect(await house.masters()).toEqual([]);
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

  it('one who leaves does not take the others with him; the last one does', async () => {
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
    expect((await house.masters()).length).toBe(1);
  });

  it('a waiter with a wrong checksum spoils nothing for one with the right one', async () => {
    slowly();
    const wrong = fetchTo({ checksum: sha256(noise(4)) });
    const right = fetchTo();
    await expect(wrong).rejects.toMatchObject({ code: 'image-refused' });
    expect((await right).size).toBe(body.length);
  });

  it('no more than the configured number of downloads run together', async () => {
    await house.close();
    house = await aHouse({ parallel_downloads: 2 });
    let most = 0;
    // Each waits for a second one, however long that takes, and both a little longer for a third.
    const waiting: (() => void)[] = [];
    for (let i = 0; i < 6; i++)
      server.images.set(`/${i}.img`, {
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
      house.service.fetchTo(`${server.url}/${i}.img`, house.target()),
    );
    await Promise.all(all);
    expect(most).toBe(2);
  });

  it('closing ends what is under way', async () => {
    slowly();
    const running = fetchTo();
    const failed = expect(running).rejects.toMatchObject({ code: 'cancelled' });
    setTimeout(() => void house.service.close(), 100);
    await failed;
    await expect(fetchTo()).rejects.toMatchObject({ code: 'cancelled' });
  });
});

it('reaches no forbidden address, directly or by redirect', async () => {
  await house.close();
  house = await aHouse({ allowed_networks: [] });
  await expect(fetchTo()).rejects.toMatchObject({ code: 'image-refused' });
  await expect(house.service.fetchTo('http://169.254.169.254/x', house.target())).rejects.toMatchObject({
    code: 'image-refused',
  });
  expect(server.log).toEqual([]);
});
