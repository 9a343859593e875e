import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { beforeEach, describe, expect, it } from 'vitest';
import { BODY as body, MiB, OLD, useHttpImages } from '../../support/http-images.js';
import { headersOf, type ServedImage } from '../../support/image-server.js';
import { noise, sha256 } from '../../support/image-service.js';

const bed = useHttpImages();
const { fetchTo, gets, image, url } = bed;

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
    expect((await bed.images.service.cacheList())[0]).toMatchObject({ href: url(), inUse: true });
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
    await bed.expectNothingLeft();
  });

  it('one flipped byte is a wrong checksum', async () => {
    const flipped = Buffer.from(body);
    flipped[body.length - 1]! ^= 1;
    image().body = flipped;
    await expect(fetchTo()).rejects.toMatchObject({ code: 'image-refused' });
    await bed.expectNothingLeft();
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
    await bed.expectNothingLeft();
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
    bed.server.images.set('/disk.img', { body: Buffer.alloc(0), lastModified: OLD });
    await expect(fetchTo()).rejects.toThrow('The image is empty.');
    await bed.restart({ max_size_mib: 1 });
    bed.server.images.set('/disk.img', { body, lastModified: OLD });
    await expect(fetchTo()).rejects.toThrow(`has ${body.length} bytes; the limit is 1048576`);
    expect(bed.server.log.at(-1)).toBe('HEAD /disk.img');
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
    const { size } = await bed.images.service.resolve(`${url()}?X-Amz-Signature=abc`);
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
    expect((await bed.images.service.resolve(url())).size).toBe(body.length);
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
    expect((await bed.images.service.resolve(url())).size).toBeUndefined();
    const steps: [number, number][] = [];
    const onProgress = (bytes: number, total: number) => steps.push([bytes, total]);
    expect(await fetchTo({ onProgress })).toMatchObject({ size: body.length, from_cache: false });
    expect(steps.at(-1)).toEqual([body.length, body.length]);
    expect((await fetchTo()).from_cache).toBe(true);
  });

  it('is cut at the limit', async () => {
    await bed.restart({ max_size_mib: 1 });
    await expect(fetchTo()).rejects.toThrow('more than 1048576 bytes, the limit');
    await bed.expectNothingLeft();
  });

  it('is refused where it is empty, and where it is cut short', async () => {
    sent = Buffer.alloc(0);
    await expect(fetchTo()).rejects.toThrow('The image is empty.');
    sent = body.subarray(0, MiB);
    await expect(fetchTo()).rejects.toThrow('checksum is');
    await bed.expectNothingLeft();
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
      bed.server.images.set(`/hop${hop}`, { body: Buffer.alloc(0), fault });
    }
    return bed.images.service.fetchTo(`${bed.server.url}/hop${count - 1}`, bed.images.target(), {
      checksum: sha256(body),
    });
  };
  expect((await hops(10)).size).toBe(body.length);
  await expect(hops(11)).rejects.toThrow('redirects too often');
  await bed.restart({ max_redirects: 1 });
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
    await bed.expectNothingLeft();
  });

  it('truncated without anybody saying so (chunked)', async () => {
    image().fault = (request, response) => {
      if (request.method === 'HEAD') return false;
      response.writeHead(200, { 'transfer-encoding': 'chunked' });
      response.end(body.subarray(0, MiB));
      return true;
    };
    await expect(fetchTo()).rejects.toThrow(`the body ended after ${MiB} of ${body.length} bytes`);
    await bed.expectNothingLeft();
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
    await bed.expectNothingLeft();
  });

  it('another length at GET than at HEAD: asked anew once, then refused', async () => {
    image().fault = (request, response) => {
      if (request.method !== 'HEAD') return false;
      response.writeHead(200, { ...headersOf(image()), 'content-length': body.length + 5 }).end();
      return true;
    };
    await expect(fetchTo()).rejects.toThrow('is not as long as the server announced');
    expect([bed.server.count('HEAD'), gets()]).toEqual([2, 2]);
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
    await bed.expectNothingLeft();
  });

  it('one byte a second: given up', async () => {
    image().fault = (request, response) => {
      if (request.method === 'HEAD') return false;
      response.writeHead(200, { 'content-length': body.length });
      const timer = setInterval(() => response.write('x'), 200);
      response.on('close', () => clearInterval(timer));
      return true;
    };
    await bed.restart({ download_attempts: 1 });
    await expect(fetchTo()).rejects.toThrow('sends fewer than 1024 bytes a second');
    await bed.expectNothingLeft();
  });

  it('a total that takes too long: given up', async () => {
    image().fault = (request, response) => {
      if (request.method === 'HEAD') return false;
      response.writeHead(200, { 'content-length': body.length });
      const timer = setInterval(() => response.write(body.subarray(0, 2_000)), 20);
      response.on('close', () => clearInterval(timer));
      return true;
    };
    await bed.restart({ download_timeout: 0.5 });
    await expect(fetchTo()).rejects.toThrow('not complete after 0.5 s');
    await bed.expectNothingLeft();
  });
});

it('reaches no forbidden address, directly or by redirect', async () => {
  await bed.restart({ allowed_networks: [] });
  await expect(fetchTo()).rejects.toMatchObject({ code: 'image-refused' });
  await expect(
    bed.images.service.fetchTo('http://169.254.169.254/x', bed.images.target()),
  ).rejects.toMatchObject({
    code: 'image-refused',
  });
  expect(bed.server.log).toEqual([]);
});
