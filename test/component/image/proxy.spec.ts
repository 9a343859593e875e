// Images through a real proxy, and from a server of a private certificate authority.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { imageSection } from '../../../src/config/section/image.js';
import { imageServiceSettings } from '../../../src/image/settings.js';
import {
  type ImageServer,
  type ServedImage,
  serveImage,
  startImageServer,
} from '../../support/image-server.js';
import { type ImageBed, imageBed, noise, sha256 } from '../../support/image-service.js';
import { type SecureServer, startSecureServer } from '../../support/private-authority.js';
import { startTinyproxy, type Tinyproxy } from '../../support/tinyproxy.js';

const body = noise(3 << 20);
const lastModified = 'Sun, 06 Nov 1994 08:49:37 GMT';
let server: ImageServer;
let proxy: Tinyproxy;
let bed: ImageBed;
let secure: SecureServer;

beforeEach(async () => {
  server = await startImageServer();
  proxy = await startTinyproxy();
  bed = await imageBed();
  server.images.set('/disk.img', { body, lastModified });
  server.images.set('/SUMS', { body: Buffer.from(`${sha256(body).value}  disk.img\n`) });
  secure = await startSecureServer((request, response) =>
    serveImage(server.images.get(request.url!)!, request, response),
  );
});
afterEach(async () => {
  await bed.close();
  await proxy.stop();
  await secure.close();
  await server.close();
});

const trust = () => ({ ca_file: secure.authority });
async function all(base: string, options: object = {}): Promise<void> {
  const { service } = bed;
  const url = `${base}/disk.img`;
  const image = await service.resolve(url, { image_checksum: `${base}/SUMS` }, options);
  expect(image).toMatchObject({ size: body.length, checksum: sha256(body) });
  const look = { size: body.length, disk_format: 'raw', kind: 'partition' as const };
  await service.checkKind(url, { ...look, signal: AbortSignal.timeout(9_000), ...options });
  const fetched = await service.fetchTo(url, bed.target(), { checksum: image.checksum!, ...options });
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
  await all(secure.url);
  expect(new Set(proxy.requests())).toEqual(new Set([`CONNECT 127.0.0.1:${secure.port}`]));
});

it('a private authority that nothing names is not trusted, with and without a proxy', async () => {
  const { url } = secure;
  await expect(all(url)).rejects.toThrow('the connection failed');
  await using _own = await another(trust());
  await all(url);
  expect(proxy.requests()).toEqual([]);
});

it('the environment’s proxies are used, and a key wins', async () => {
  const environment = { http_proxy: proxy.url, NO_PROXY: 'elsewhere.example.org' };
  const settings = (section: object) =>
    imageServiceSettings(imageSection.parse(section), { dataDir: bed.directory, environment }).client().proxy;
  expect(settings({})).toEqual({ http: proxy.url, no: 'elsewhere.example.org' });
  expect(settings({ http_proxy: 'http://p:1', no_proxy: 'b' })).toEqual({ http: 'http://p:1', no: 'b' });
  expect(() => settings({ ca_file: '/nowhere.pem' })).toThrow('image.ca_file: cannot be read');
  const empty = join(bed.directory, 'empty.pem');
  writeFileSync(empty, 'no certificate\n');
  expect(() => settings({ ca_file: empty })).toThrow(`image.ca_file: ${empty} holds no certificate`);
  writeFileSync(empty, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  expect(() => settings({ ca_file: empty })).toThrow('holds a certificate that cannot be read');
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
  const target = bed.target();
  const through = { proxy: { http: proxy.url } };
  await expect(bed.service.fetchTo('http://169.254.169.254/x', target, through)).rejects.toMatchObject({
    code: 'image-refused',
  });
  expect(proxy.requests()).toEqual([]);
  const away = { proxy: { http: 'http://127.0.0.1:1' } };
  await expect(bed.service.fetchTo(`${server.url}/disk.img`, target, away)).rejects.toMatchObject({
    code: 'image-unavailable',
  });
});

it.each([{}, { http_proxy: 'http://127.0.0.1:1' }])(
  'an outside Image service has a private authority and a proxy: %j',
  async (more) => {
    const id = '0b9f3c1e-5c2a-4f6e-9d67-2f1d3c1f0a11';
    const { value } = sha256(body);
    const facts = { id, status: 'active', size: body.length, disk_format: 'raw' };
    const described = { ...facts, os_hash_algo: 'sha256', os_hash_value: value };
    server.images.set(`/v2/images/${id}`, { body: Buffer.from(JSON.stringify(described)) });
    server.images.set(`/v2/images/${id}/file`, { body });
    const glance = { url: secure.url };
    {
      await using _distrusting = await another({ glance });
      await expect(bed.service.resolve(id)).rejects.toThrow('the connection failed');
    }
    await using _own = await another({ glance, https_proxy: proxy.url, ...trust(), ...more });
    const image = await bed.service.resolve(id);
    expect(image.checksum).toEqual(sha256(body));
    await bed.service.fetchTo(id, bed.target(), { checksum: image.checksum! });
    expect(new Set(proxy.requests())).toEqual(new Set([`CONNECT 127.0.0.1:${secure.port}`]));
  },
);

it('a machine’s own proxy is no way to a refused address', async () => {
  const through = { proxy: { http: proxy.url } };
  await using _own = await another({ allowed_networks: [] });
  const fetch = (url: string) => bed.service.fetchTo(url, bed.target(), through);
  await expect(fetch('http://192.0.2.1/x')).rejects.toThrow(
    `${proxy.url}/: this address must not be used: it is a loopback address`,
  );
  expect(proxy.requests()).toEqual([]);
  await expect(
    bed.service.fetchTo('http://192.0.2.1/x', bed.target(), { proxy: { http: 'gopher://p' } }),
  ).rejects.toThrow('its proxy is no http or https URL');
});

it('a machine’s own proxy learns no login, the configured one does', async () => {
  const logins: (string | undefined)[] = [];
  const note: ServedImage['fault'] = (request) => {
    logins.push(request.headers.authorization);
    return false;
  };
  server.images.set('/disk.img', { body, lastModified, fault: note });
  const server_credentials = [{ origin: server.url, username: 'u', password: 'p' }];
  await using _own = await another({ server_credentials, http_proxy: proxy.url });
  await bed.service.resolve(`${server.url}/disk.img`);
  await bed.service.resolve(`${server.url}/disk.img`, {}, { proxy: { http: proxy.url } });
  await bed.service.resolve(`${server.url}/disk.img`, {}, { proxy: { https: proxy.url } });
  const login = `Basic ${Buffer.from('u:p').toString('base64')}`;
  expect(logins).toEqual([login, undefined, login]);
});

/** Another service, for as long as it is in scope. */
async function another(section: object): Promise<AsyncDisposable> {
  const before = bed;
  bed = await imageBed(section);
  return {
    [Symbol.asyncDispose]: async () => {
      await bed.close();
      bed = before;
    },
  };
}
