import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type RequestOptions, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAgentApi } from '../../../src/api/agent-api.js';
import { startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

const CHROMIUM = '/usr/bin/chromium';
const directory = mkdtempSync(join(tmpdir(), 'ferric-browser-'));
let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;

beforeAll(async () => {
  database = await startTestDatabase();
  server = await startApi(database, { api: { allowed_hosts: ['ironic.example', '192.0.2.7'] } });
});
afterAll(async () => {
  await server.stop();
  await database.stop();
  rmSync(directory, { recursive: true, force: true });
});

const NODE = JSON.stringify({ driver: 'fake-hardware' });
const port = () => Number(new URL(server.api.base).port);
const nodes = async () => (await server.api.get('/v1/nodes')).json.nodes.length as number;

/** As a browser would send it, with what it may not be made to send by a page. */
function send(options: RequestOptions, body = ''): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: port(), agent: false, ...options }, (answer) => {
      let text = '';
      answer.on('data', (part) => (text += String(part)));
      answer.on('end', () => resolve({ status: answer.statusCode!, text }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
const get = async (headers: Record<string, string>) => (await send({ path: '/v1/nodes', headers })).status;
const create = async (headers: Record<string, string>) =>
  (
    await send(
      { path: '/v1/nodes', method: 'POST', headers: { 'content-type': 'application/json', ...headers } },
      NODE,
    )
  ).status;

describe('Host', () => {
  it.each([
    '127.0.0.1',
    '127.0.0.1:6385',
    'localhost',
    'LOCALHOST:1',
    'ironic.example',
    'Ironic.Example.:80',
    '192.0.2.7',
  ])('%s is a name of the listener’s', async (host) => expect(await get({ host })).toBe(200));
  it('so is the machine’s own name', async () => expect(await get({ host: hostname() })).toBe(200));
  it.each([
    'evil.example',
    'evil.example:6385',
    '127.0.0.2',
    '[::1]',
    '10.0.0.1',
    'localhost.evil.example',

    'a b',
    'ironic.example@evil',
  ])('%j is none: DNS rebinding', async (host) => {
    const answer = await send({ path: '/v1/nodes', headers: { host } });
    expect([400, 403]).toContain(answer.status);
    if (answer.status === 403) expect(answer.text).toContain('api.allowed_hosts');
  });
});

describe('what browsers mark', () => {
  it.each([
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ 'sec-fetch-site': 'what' }, 403],
    [{ 'sec-fetch-site': 'same-origin' }, 200],
    [{ 'sec-fetch-site': 'none' }, 200],
    [{ origin: 'http://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ origin: 'http://127.0.0.1:1' }, 403],
    [{ origin: 'https://ironic.example' }, 200],
  ])('%j: %i', async (headers, status) => {
    expect(await get(headers as Record<string, string>)).toBe(status);
  });
  it('a page of the same origin is let in', async () => {
    expect(await get({ origin: server.api.base })).toBe(200);
  });
  it('holds for the ramdisks’ listener, too', async () => {
    const at = Number(new URL(server.agent.base).port);
    const asked = { port: at, path: '/v1/lookup?addresses=52:54:00:00:00:01' };
    expect((await send({ ...asked, headers: { host: 'evil.example' } })).status).toBe(403);
    expect((await send({ ...asked, headers: { origin: 'http://evil.example' } })).status).toBe(403);
  });
  it('no cross-site form makes a node', async () => {
    const before = await nodes();
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      expect(await create({ 'content-type': type })).toBe(415);
    }
    expect(await create({ origin: 'http://evil.example' })).toBe(403);
    expect(await nodes()).toBe(before);
    expect(await create({})).toBe(201);
  });
});

describe('a Unix socket', () => {
  const path = join(directory, 'api.sock');
  const agentApi = () => createAgentApi(server.container);

  it('is this account’s alone, and answers whatever name it is asked by', async () => {
    const listener = await agentApi();
    await listener.listenOn(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const asked = { socketPath: path, host: null, port: null, path: '/', headers: { host: 'anything' } };
    expect((await send(asked)).status).toBe(200);
    const second = await agentApi();
    await expect(second.listenOn(path)).rejects.toThrow('listens on');
    await listener.close();
    await second.close();
  });

  it('of a daemon that was killed is replaced; a file that is none stays', async () => {
    const stale = join(directory, 'stale.sock');
    execFileSync('python3', [
      '-c',
      `import socket; socket.socket(socket.AF_UNIX).bind(${JSON.stringify(stale)})`,
    ]);
    const listener = await agentApi();
    await listener.listenOn(stale);
    await listener.close();
    const file = join(directory, 'file');
    writeFileSync(file, 'x');
    const other = await agentApi();
    await expect(other.listenOn(file)).rejects.toThrow('is no socket');
    await other.close();
    expect(readFileSync(file, 'utf8')).toBe('x');
  });
});

describe.skipIf(!existsSync(CHROMIUM))('a real browser', () => {
  let site: Server;
  /** What a page of another site may do without asking first. */
  const page = `<script>
    const to = new URLSearchParams(location.search).get('to');
    const tries = [
      fetch(to + '/v1/nodes', { method: 'POST', mode: 'no-cors', headers: { 'content-type': 'text/plain' }, body: '${NODE}' }),
      fetch(to + '/v1/nodes', { method: 'POST', mode: 'no-cors', body: new Blob(['${NODE}']) }),
      fetch(to + '/v1/nodes', { method: 'POST', mode: 'no-cors', body: new URLSearchParams({ driver: 'fake-hardware' }) }),
      fetch(to + '/v1/nodes', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '${NODE}' }),
      fetch(to + '/v1/nodes').then((answer) => answer.text()),
    ];
    Promise.allSettled(tries).then((all) => { document.title = 'done ' + all.map((one) => one.status[0] + ':' + (one.value?.length ?? '')).join(' '); });
  </script>`;
  beforeAll(async () => {
    site = createServer((_request, response) => response.setHeader('content-type', 'text/html').end(page));
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => new Promise((resolve) => site.close(resolve)));

  it('cannot be made to do anything by a page of another site, nor by one whose name was rebound', async () => {
    const browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [
        ...[
          '--no-sandbox',
          '--disable-gpu',
          '--disable-quic',
          '--no-first-run',
          '--disable-background-networking',
        ],
        ...[
          '--disable-component-update',
          '--disable-sync',
          '--host-resolver-rules=MAP evil.example 127.0.0.1',
        ],
      ],
    });
    try {
      const before = await nodes();
      const from = (site.address() as AddressInfo).port;
      const tab = await browser.newPage();
      for (const origin of [`http://evil.example:${from}`, `http://localhost:${from}`]) {
        for (const to of [server.api.base, `http://localhost:${port()}`]) {
          await tab.goto(`${origin}/?to=${encodeURIComponent(to)}`);
          await tab.waitForFunction("document.title.startsWith('done')");
          // The answer of the last one, if any came, was not readable.
          expect(await tab.title()).toMatch(/r:$/);
        }
      }
      // Rebound: the page's own name now leads to the API, so that everything is of the same origin.
      const rebound = await tab.goto(`http://evil.example:${port()}/v1/nodes`);
      expect(rebound!.status()).toBe(403);
      expect(await nodes()).toBe(before);
      // The API's own page works.
      const own = await tab.goto(`${server.api.base}/v1/openapi.html`);
      expect(own!.status()).toBe(200);
    } finally {
      await browser.close();
    }
  });
});
