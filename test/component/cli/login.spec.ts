import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ferric } from '../../support/cli/command-line.js';

/** Keystone and the Bare Metal API of one node, whose state goes on with each look. */
const STATES = ['deploying', 'deploying', 'active'];
let looks = 0;
let tokens = 0;
/** Whether a token is taken for more than one look. */
let lasts = false;
const server = createServer(answer);

function answer({ url, headers }: IncomingMessage, response: ServerResponse): void {
  if (url?.startsWith('/v3/auth/tokens')) {
    tokens += 1;
    response.writeHead(201, { 'x-subject-token': `t${tokens}` }).end('{}');
    return;
  }
  const known = lasts
    ? /^t\d+$/.test(String(headers['x-auth-token']))
    : headers['x-auth-token'] === `t${looks + 1}`;
  if (!known) {
    response.writeHead(401).end();
    return;
  }
  const state = STATES[looks++];
  const node = { uuid: '7daa1a92-c3d7-4add-aaed-66fcbba58912', name: 'one', provision_state: state };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(node));
}

beforeEach(async () => {
  looks = 0;
  tokens = 0;
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

const wait = () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const OS = { OS_AUTH_TYPE: 'password', OS_AUTH_URL: url, OS_ENDPOINT: url };
  const user = { OS_USERNAME: 'u', OS_PASSWORD: 'p', OS_PROJECT_NAME: 'x' };
  return ferric(['node', 'wait', 'one'], { ...OS, ...user });
};

it('a token that expires during a wait is asked for again', async () => {
  lasts = false;
  expect(await wait()).toMatchObject({ status: 0, stderr: 'deploying\nactive\n' });
  expect(tokens).toBe(3);
});

it('one that lasts is asked for once', async () => {
  lasts = true;
  expect(await wait()).toMatchObject({ status: 0 });
  expect(tokens).toBe(1);
});

it('a login that is refused is asked for twice, and no more', async () => {
  lasts = false;
  looks = 40; // no token is ever taken
  expect(await wait()).toMatchObject({ status: 6, stderr: expect.stringContaining('401') });
  expect(tokens).toBe(2);
});
