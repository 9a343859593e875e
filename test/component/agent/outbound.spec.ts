// What the agent fetches: private authorities, proxies, and NO_PROXY by the daemon's own rule.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isProxied } from '../../../src/domain/network/proxy-rule.js';
import { HttpClient } from '../../../src/platform/http-client.js';
import { encodeFetchRules, FETCH_RULES } from '../../../src/protocol/agent/fetch-rules.js';
import { buildConfigDrive } from '../../../src/protocol/configdrive/config-drive.js';
import { AgentUnderTest } from '../../support/agent/agent-under-test.js';
import { diskImage, sha256 } from '../../support/agent/disk-image.js';
import { type SecureServer, startSecureServer } from '../../support/private-authority.js';
import { startTinyproxy, type Tinyproxy } from '../../support/tinyproxy.js';

const image = diskImage('gpt');
const drive = buildConfigDrive({ meta_data: { name: 'n' } }, { uuid: 'u', name: 'n' }, 0);
const content: Record<string, Buffer> = {
  '/disk.raw': image,
  '/SUMS': Buffer.from(`${sha256(image)}  disk.raw\n`),
  '/drive': Buffer.from(gzipSync(drive).toString('base64')),
};
let server: SecureServer;
let proxy: Tinyproxy;
let test: AgentUnderTest;
const seen: string[] = [];

beforeEach(async () => {
  seen.length = 0;
  server = await startSecureServer((request, response) => {
    seen.push(request.url!);
    response.end(content[request.url!]);
  });
  proxy = await startTinyproxy();
  test = await AgentUnderTest.prepare('http');
  test.machine.addDisk(`${test.dir}/disk`, 5 * 2 ** 30);
  // Otherwise the agent trusts every certificate.
  await test.start('ipa-insecure=0');
});
afterEach(async () => {
  await test.stop();
  await proxy.stop();
  await server.close();
});

const rules = (authorities?: string) => ({
  [FETCH_RULES]: encodeFetchRules({
    addresses: { allowedNetworks: ['127.0.0.0/8'], refusedNetworks: [], ownEndpoints: [] },
    trusted: [],
    ...(authorities === undefined ? {} : { authorities }),
  }),
});
const described = (more: object) => ({
  id: 'one',
  urls: [`${server.url}/disk.raw`],
  disk_format: 'raw',
  checksum: `${server.url}/SUMS`,
  ...more,
});
const write = (more: object) => test.writeImage(described(more), `${server.url}/drive`);

it('a private authority that the conductor names is trusted for image, checksum and config drive', async () => {
  const record = await write(rules(readFileSync(server.authority, 'utf8')));
  expect(record).toMatchObject({ command_status: 'SUCCEEDED' });
  expect(seen).toEqual(['/SUMS', '/disk.raw', '/drive']);
  expect(proxy.requests()).toEqual([]);
});

it('another is not', async () => {
  const record = await write(rules());
  expect(record).toMatchObject({ command_status: 'FAILED' });
  expect(JSON.stringify(record.command_error)).toContain('unable to verify the first certificate');
  expect(seen).toEqual([]);
});

it('all of it goes through the proxy that the command names', async () => {
  const proxies = { https: proxy.url };
  const record = await write({ ...rules(readFileSync(server.authority, 'utf8')), proxies });
  expect(record).toMatchObject({ command_status: 'SUCCEEDED' });
  expect(proxy.requests()).toEqual(Array(3).fill(`CONNECT 127.0.0.1:${server.port}`));
});

it.each([
  '127.0.0.1',
  '127.0.0.0/8',
  '127.0.0.1/32',
  '.0.0.1',
  '10.0.0.0/8',
  '*',
  'example.org, *',
  '127.0.0.1:PORT',
  '127.0.0.1:1',
  '::1',
  '',
])('no_proxy %j means the same to agent, daemon and rule', async (entry) => {
  const no = entry.replace('PORT', String(server.port));
  const authorities = readFileSync(server.authority, 'utf8');
  const ask = { https: proxy.url };
  await test.writeImage(described({ ...rules(authorities), proxies: ask, no_proxy: no }));
  const agent = proxy.requests().length > 0;
  const client = new HttpClient({
    connectTimeout: 9e3,
    idleTimeout: 9e3,
    authorities,
    proxy: { ...ask, no },
  });
  const before = proxy.requests().length;
  await client.text({ url: `${server.url}/SUMS`, maxBytes: 1000 });
  client.close();
  const daemon = proxy.requests().length > before;
  const rule = isProxied(new URL(server.url), { ...ask, no });
  expect({ agent, daemon }).toEqual({ agent: rule, daemon: rule });
});
