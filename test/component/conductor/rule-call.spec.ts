// The action api-call of inspection rules, through a real proxy to a server of a private authority.
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ruleCall } from '../../../src/conductor/inspection/rule-call.js';
import { type SecureServer, startSecureServer } from '../../support/private-authority.js';
import { startTinyproxy, type Tinyproxy } from '../../support/tinyproxy.js';

let server: SecureServer;
let proxy: Tinyproxy;
const seen: string[] = [];

beforeEach(async () => {
  seen.length = 0;
  server = await startSecureServer((request, response) => {
    seen.push(`${request.url} ${request.headers['x-of']}`);
    response.end('{}');
  });
  proxy = await startTinyproxy();
});
afterEach(async () => {
  await proxy.stop();
  await server.close();
});

const options = { headers: { 'X-Of': 'rule' }, proxies: {}, timeout: 9, retries: 0 };
const guard = (allowedNetworks: string[]) => () => ({ allowedNetworks, refusedNetworks: [], ownPorts: [] });

it('uses the configured authorities and proxies', async () => {
  const open = guard(['127.0.0.0/8']);
  await expect(ruleCall(open, {})(`${server.url}/a`, options)).rejects.toThrow('the connection failed');
  const outbound = { authorities: readFileSync(server.authority, 'utf8'), proxy: { https: proxy.url } };
  await ruleCall(open, outbound)(`${server.url}/a`, options);
  expect(seen).toEqual(['/a rule']);
  expect(proxy.requests()).toEqual([`CONNECT 127.0.0.1:${server.port}`]);
});

it('a proxy is no way to a refused address', async () => {
  const call = ruleCall(guard([]), { proxy: { https: proxy.url } });
  await expect(call(`${server.url}/a`, options)).rejects.toThrow('it is a loopback address');
  expect(proxy.requests()).toEqual([]);
});
