// Images through a real proxy, and from a server of a private certificate authority.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { imageSection } from '../../../src/config/section/image.js';
import { imageServiceSettings } from '../../../src/image/settings.js';
import { type ImageServer, serveImage, startImageServer } from '../../support/image-server.js';
import { aHouse, type ImageHouse, noise, sha256 } from '../../support/image-service.js';
import { startTinyproxy, type Tinyproxy } from '../../support/tinyproxy.js';

const body = noise(3 << 20);
const lastModified = 'Sun, 06 Nov 1994 08:49:37 GMT';
let server: ImageServer;
let proxy: Tinyproxy;
let house: ImageHouse;
let secure: Server;

beforeEach(async () => {
  server = await startImageServer();
  proxy = await startTinyproxy();
  house = await aHouse();
  server.images.set('/disk.img', { body, lastModified });
  server.images.set('/SUMS', { body: Buffer.from(`${sha256(body).value}  disk.img\n`) });
  const [key, cert] = [join(house.directory, 'key.pem'), join(house.directory, 'cert.pem')];
  const subject = ['-subj', '/CN=images', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const how = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  execFileSync('openssl', [...how, '-keyout', key, '-out', cert, ...subject], { stdio: 'pipe' });
  secure = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) =>
    serveImage(server.images.get(request.url!)!, request, response),
  ).listen(0, '127.0.0.1');
  await once(secure, 'listening');
});
afterEach(async () => {
  await house.close();
  await proxy.stop();
  secure.closeAllConnections();
  secure.close();
  await server.close();
});

const port = () => (secure.address() as AddressInfo).port;
const trust = () => ({ ca_file: join(house.directory, 'cert.pem') });
async function all(base: string, options: object = {}): Promise<void> {
  const { service } = house;
  const url = `${base}/disk.img`;
  const image = await service.resolve(url, { image_checksum: `${base}/SUMS` }, options);
  expect(image).toMatchObject({ size: body.length, checksum: sha256(body) });
  const look = { size: body.length, disk_format: 'raw', kind: 'partition' as const };
  await service.checkKind(url, { ...look, signal: AbortSignal.timeout(9_000), ...options });
  const fetched = await service.fetchTo(url, house.target(), { checksum: image.checksum!, ...options });
  expect(fetched.from_cache).toBe(false);
}

it('http goes through the proxy: HEAD, checksum file, ranges and download', async () => {
  await using _own = await another({ http_proxy: proxy.url });
  await all(server.url);
  const [host, ...paths] = [server.url, '/disk.img', '/SUMS'];
  const heads = [`HEAD ${host}${paths[0]}`, `GET ${host}${paths[1]}`];
  expect(proxy.requests().slice(0, 2)).toEqual(heads);
  expect(proxy.requests()).toHaveLength(server.log.length);
});

it('https goes through a tunnel, to a server of a private authority', async () => {
  await using _own = await another({ https_proxy: proxy.url, ...trust() });
  await all(`https://127.0.0.1:${port()}`);
  expect(new Set(proxy.requests())).toEqual(new Set([`CONNECT 127.0.0.1:${port()}`]));
});

it('a private authority that nothing names is not trusted, with and without a proxy', async () => {
  const url = `https://127.0.0.1:${port()}`;
  await expect(all(url)).rejects.toThrow('the connection failed');
  await using _own = await another(trust());
  await all(url);
  expect(proxy.requests()).toEqual([]);
});

it('the environment’s proxies are used, and a key wins', async () => {
  const environment = { http_proxy: proxy.url, NO_PROXY: 'elsewhere.example.org' };
  const settings = (section: object) =>
    imageServiceSettings(imageSection.parse(section), { dataDir: house.directory, environment }).client()
      .proxy;
  expect(settings({})).toEqual({ http: proxy.url, no: 'elsewhere.example.org' });
  expect(settings({ http_proxy: 'http://p:1', no_proxy: 'b' })).toEqual({ http: 'http://p:1', no: 'b' });
  expect(() => settings({ ca_file: '/nowhere.pem' })).toThrow('image.ca_file: cannot be read');
});

it('what no_proxy names does not', async () => {
  await using _own = await another({ http_proxy: proxy.url, no_proxy: '127.0.0.0/8' });
  await all(server.url);
  expect(proxy.requests()).toEqual([]);
});

it('the machine’s own proxies stand for the daemon’s', async () => {
  await all(server.url, { proxy: { http: proxy.url } });
  expect(proxy.requests()).toHaveLength(server.log.length);
});

it('refused addresses stay refused, and a proxy that is away is named as a failed connection', async () => {
  const target = house.target();
  const through = { proxy: { http: proxy.url } };
  await expect(house.service.fetchTo('http://169.254.169.254/x', target, through)).rejects.toMatchObject({
    code: 'image-refused',
  });
  expect(proxy.requests()).toEqual([]);
  const away = { proxy: { http: 'http://127.0.0.1:1' } };
  await expect(house.service.fetchTo(`${server.url}/disk.img`, target, away)).rejects.toMatchObject({
    code: 'image-unavailable',
  });
});

/** Another service, for as long as it is in scope. */
async function another(section: object): Promise<AsyncDisposable> {
  const before = house;
  house = await aHouse(section);
  return {
    [Symbol.asyncDispose]: async () => {
      await house.close();
      house = before;
    },
  };
}
