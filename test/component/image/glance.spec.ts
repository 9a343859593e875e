// What the real service cannot be made to say: logins, odd answers. See test/contract/image-glance.spec.ts.
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ImageBed, imageBed, noise, sha256 } from '../../support/image-service.js';

const ID = '0b9f3c1e-5c2a-4f6e-9d67-2f1d3c1f0a11';
const body = noise(100_000);
let server: Server;
let url: string;
let handler: RequestListener;
let bed: ImageBed | undefined;
const seen: Record<string, unknown>[] = [];

const document = (change: object = {}) => ({
  id: ID,
  status: 'active',
  size: body.length,
  checksum: null,
  disk_format: 'raw',
  os_hash_algo: 'sha256',
  os_hash_value: sha256(body).value,
  ...change,
});
const answering = (change: object = {}): RequestListener => {
  return (request, response) => {
    if (request.url?.endsWith('/file')) response.end(body);
    else response.end(JSON.stringify(document(change)));
  };
};

beforeEach(async () => {
  seen.length = 0;
  server = createServer((request, response) => {
    const { authorization, 'x-auth-token': token } = request.headers;
    seen.push({ url: request.url, authorization, token });
    handler(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/image`;
});
afterEach(async () => {
  await bed?.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe('the login', () => {
  it.each<[object, object]>([
    [{ auth: 'none' }, { authorization: undefined, token: undefined }],
    [
      { auth: 'http_basic', username: 'ferric', password: 'canary' },
      { authorization: `Basic ${Buffer.from('ferric:canary').toString('base64')}`, token: undefined },
    ],
    [
      { auth: 'token', token: 'canary' },
      { authorization: undefined, token: 'canary' },
    ],
  ])('%j', async (auth, headers) => {
    handler = answering();
    bed = await imageBed({ glance: { url, ...auth } });
    const { checksum } = await bed.service.resolve(ID);
    await bed.service.fetchTo(ID, bed.target(), { checksum: checksum! });
    expect(seen.map((entry) => entry['url'])).toEqual([
      `/image/v2/images/${ID}`,
      `/image/v2/images/${ID}`,
      `/image/v2/images/${ID}/file`,
    ]);
    for (const entry of seen) expect(entry).toMatchObject(headers);
  });

  it('goes nowhere else: a redirect is no answer', async () => {
    handler = (_request, response) => response.writeHead(302, { location: 'http://127.0.0.1:9/x' }).end();
    bed = await imageBed({ glance: { url, auth: 'token', token: 'canary' } });
    await expect(bed.service.resolve(ID)).rejects.toMatchObject({ code: 'image-unavailable' });
    expect(seen.length).toBe(1);
  });
});

describe('answers', () => {
  it.each<[string, RequestListener, string, RegExp]>([
    ['401', (_q, r) => r.writeHead(401).end(), 'image-unavailable', /refuses Ferric's login \(status 401\)/],
    ['404', (_q, r) => r.writeHead(404).end(), 'not-found', /could not be found/],
    ['500', (_q, r) => r.writeHead(500).end(), 'image-unavailable', /status 500/],
    ['html', (_q, r) => r.end('<html>'), 'image-unavailable', /no.* image document/],
    ['another image', answering({ id: ID.replace('0b', '0c') }), 'image-unavailable', /another image/],
    ['deactivated', answering({ status: 'deactivated' }), 'image-unavailable', /not active but deactivated/],
    ['no size', answering({ size: null }), 'image-unavailable', /has no size/],
    ['an odd hash', answering({ os_hash_algo: 'rot13' }), 'invalid', /algorithm is not known/],
    [
      'endless',
      (_q, r) => {
        r.on('drain', () => r.write(body));
        r.write(body);
      },
      'image-unavailable',
      /larger than/,
    ],
  ])('%s', async (_name, listener, code, message) => {
    handler = listener;
    bed = await imageBed({ glance: { url } });
    await expect(bed.service.resolve(ID)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
  });

  it('md5 where there is nothing better, and only where MD5 is allowed', async () => {
    handler = answering({ os_hash_algo: null, os_hash_value: null, checksum: '0'.repeat(32) });
    bed = await imageBed({ glance: { url } });
    expect((await bed.service.resolve(ID)).checksum).toEqual({ algo: 'md5', value: '0'.repeat(32) });
    await bed.close();
    bed = await imageBed({ glance: { url }, allow_md5_checksum: false });
    await expect(bed.service.resolve(ID)).rejects.toThrow('MD5 checksums are turned off');
  });

  it('instance_info’s own checksum wins', async () => {
    handler = answering();
    bed = await imageBed({ glance: { url } });
    const { checksum } = await bed.service.resolve(ID, { image_checksum: 'f'.repeat(64) });
    expect(checksum).toEqual({ algo: 'sha256', value: 'f'.repeat(64) });
  });
});
