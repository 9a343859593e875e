import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { HttpClient, type HttpClientSettings, HttpFailure } from '../../../src/platform/http-client.js';
import { startDnsServer } from '../../support/dns-server.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(
  handler: RequestListener,
  address = '127.0.0.1',
): Promise<{ url: string; port: number }> {
  const server: Server = createServer(handler).listen(0, address);
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://${address}:${port}`, port };
}

function client(settings: Partial<HttpClientSettings> = {}, guard: object = {}): HttpClient {
  const made = new HttpClient({
    guard: { allowedNetworks: ['127.0.0.1/32'], refusedNetworks: [], ownPorts: [], ...guard },
    connectTimeout: 500,
    idleTimeout: 500,
    ...settings,
  });
  cleanups.push(() => made.close());
  return made;
}

const text = (made: HttpClient, url: string) => made.text({ url, maxBytes: 1000 });
async function failure(promise: Promise<unknown>): Promise<HttpFailure> {
  const error = await promise.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(HttpFailure);
  return error as HttpFailure;
}

describe('the guard', () => {
  it('refuses by address before anything is sent', async () => {
    let hits = 0;
    const { url } = await serve((_q, r) => r.end(`${++hits}`));
    const refused = await failure(text(client({}, { allowedNetworks: [] }), url));
    expect(refused).toMatchObject({ fault: 'refused', code: 'image-refused' });
    expect(refused.message).toContain('loopback');
    expect((await failure(text(client(), 'http://169.254.169.254/latest'))).fault).toBe('refused');
    expect((await failure(text(client(), 'file:///etc/passwd'))).fault).toBe('refused');
    expect(hits).toBe(0);
    expect(await text(client(), url)).toBe('1');
  });

  it('refuses its own ports and other ways to write a loopback address', async () => {
    let hits = 0;
    const { port } = await serve((_q, r) => r.end(`${++hits}`), '0.0.0.0');
    for (const host of ['127.1', '0x7f.1', '2130706433', '0.0.0.0', '[::ffff:127.0.0.1]', 'localhost'])
      expect(
        (await failure(text(client({}, { allowedNetworks: [] }), `http://${host}:${port}/`))).fault,
      ).toBe('refused');
    const own = client({}, { allowedNetworks: ['127.0.0.0/8', '::1/128'], ownPorts: [port] });
    expect((await failure(text(own, `http://127.0.0.1:${port}/`))).message).toContain('Ferric itself');
    expect(hits).toBe(0);
  });

  it('resolves once: DNS that changes its mind cannot move the connection', async () => {
    const { port } = await serve((_q, r) => r.end('checked'));
    const dns = await startDnsServer((_n, turn) => (turn === 0 ? ['127.0.0.1'] : ['127.0.0.9']));
    cleanups.push(dns.close);
    const made = client({ nameServers: [dns.address] });
    expect(await text(made, `http://images.lab:${port}/`)).toBe('checked');
    expect(dns.questions.sort()).toEqual(['A images.lab', 'AAAA images.lab']);
    // The second time every address is new, and judged anew.
    expect((await failure(text(made, `http://images.lab:${port}/`))).fault).toBe('refused');
  });

  it('refuses a name when any one of its addresses is bad', async () => {
    const { port } = await serve((_q, r) => r.end('x'));
    const dns = await startDnsServer(() => ['127.0.0.1', '169.254.169.254']);
    cleanups.push(dns.close);
    const refused = await failure(text(client({ nameServers: [dns.address] }), `http://images.lab:${port}/`));
    expect(refused.message).toMatch(/its address must not be used: it is a link-local/);
  });

  it('checks every redirect', async () => {
    let inner = 0;
    const secret = await serve((_q, r) => r.end(`${++inner}`));
    const { url } = await serve((q, r) => {
      const targets: Record<string, string> = {
        '/own': `http://127.0.0.1:${secret.port}/`,
        '/metadata': 'http://169.254.169.254/',
        '/file': 'file:///etc/passwd',
        '/relative': '/good',
        '/loop': '/loop',
        '/nowhere': 'http://[/',
        '/login': `http://user:canary@127.0.0.1:${secret.port}/`,
      };
      const to = targets[q.url!];
      if (to) r.writeHead(302, { location: to }).end();
      else r.end('good');
    });
    const made = client({}, { ownPorts: [secret.port] });
    expect(await text(made, `${url}/relative`)).toBe('good');
    for (const path of ['/own', '/metadata', '/file'])
      expect((await failure(text(made, url + path))).fault).toBe('refused');
    for (const path of ['/loop', '/nowhere', '/login'])
      expect((await failure(text(made, url + path))).fault).toBe('redirect');
    expect(inner).toBe(0);
  });
});

describe('credentials', () => {
  it('go to their origin only, also behind a redirect', async () => {
    const seen: Record<string, string | undefined> = {};
    const evil = await serve((q, r) => {
      seen['evil'] = q.headers.authorization;
      seen['evil token'] = q.headers['x-auth-token'] as string | undefined;
      r.end('evil');
    });
    const home = await serve((q, r) => {
      seen[q.url!] = q.headers.authorization;
      if (q.url === '/away') r.writeHead(302, { location: `${evil.url}/x` }).end();
      else r.end('home');
    });
    const made = client({
      credentials: [
        { origin: home.url, header: 'Authorization', value: 'Basic canary' },
        { origin: home.url, header: 'X-Auth-Token', value: 'canary' },
      ],
    });
    await text(made, `${home.url}/direct`);
    await text(made, `${home.url}/away`);
    await text(made, `${evil.url}/x`);
    expect(seen).toEqual({
      '/direct': 'Basic canary',
      '/away': 'Basic canary',
      evil: undefined,
      'evil token': undefined,
    });
  });
});

describe('failures', () => {
  it('says in words what is wrong, and never shows the query', async () => {
    const { url, port } = await serve((_q, r) => {
      r.statusCode = 404;
      r.end();
    });
    const missing = await failure(text(client(), `${url}/a?signature=canary`));
    expect(missing.message).toBe(`${url}/a: answered with status 404`);
    const dns = await startDnsServer((name) => (name === 'silent.lab' ? undefined : []));
    cleanups.push(dns.close);
    const named = client({ nameServers: [dns.address], connectTimeout: 200 });
    expect((await failure(text(named, `http://no.lab:${port}/`))).message).toContain(
      'the conductor could not resolve the name no.lab (it has no address)',
    );
    expect((await failure(text(named, `http://silent.lab:${port}/`))).message).toMatch(
      /the conductor could not resolve the name silent\.lab \(E/,
    );
  });

  it('a refused port, a silent server, a silent body, a reset', async () => {
    const closed = await serve(() => undefined);
    await cleanups.pop()!();
    expect((await failure(text(client(), closed.url))).message).toContain('ECONNREFUSED');
    const silent = await serve((q, r) => {
      if (q.url === '/body') r.writeHead(200, { 'content-length': '10' }).write('abc');
      if (q.url === '/reset') {
        r.writeHead(200, { 'content-length': '10' }).write('abc');
        setTimeout(() => q.socket.resetAndDestroy(), 20);
      }
    });
    expect((await failure(text(client(), silent.url))).fault).toBe('timeout');
    expect((await failure(text(client(), `${silent.url}/body`))).fault).toBe('timeout');
    expect((await failure(text(client(), `${silent.url}/reset`))).fault).toBe('connection');
  });

  it('a server that accepts and says nothing in TLS', async () => {
    const tcp = createTcpServer((socket) => socket.resume()).listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    cleanups.push(() => new Promise((resolve) => tcp.close(resolve)));
    const { port } = tcp.address() as AddressInfo;
    expect((await failure(text(client(), `https://127.0.0.1:${port}/`))).fault).toBe('timeout');
  });

  it('a document larger than asked for, however long it goes on', async () => {
    const { url } = await serve((_q, r) => {
      const timer = setInterval(() => r.write('x'.repeat(400)), 1);
      r.on('close', () => clearInterval(timer));
    });
    expect((await failure(text(client(), url))).fault).toBe('too-large');
  });

  it('stops when the signal fires, at any moment', async () => {
    const { url } = await serve((q, r) => {
      if (q.url === '/body') r.writeHead(200, { 'content-length': '10' }).write('abc');
    });
    for (const path of ['/', '/body']) {
      const abort = new AbortController();
      const running = client().text({ url: url + path, maxBytes: 10, signal: abort.signal });
      setTimeout(() => abort.abort(), 50);
      await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    }
    await expect(client().text({ url, maxBytes: 1, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'cancelled',
    });
  });
});

it('a DNS that never answers holds up no file access', async () => {
  const dns = await startDnsServer(() => undefined);
  cleanups.push(dns.close);
  const made = client({ nameServers: [dns.address], connectTimeout: 1_000 });
  const waiting = Array.from({ length: 16 }, (_, i) => failure(text(made, `http://black-hole-${i}.lab/`)));
  await new Promise((resolve) => setTimeout(resolve, 100));
  const started = performance.now();
  for (let i = 0; i < 8; i++) await readFile('/etc/hostname').catch(() => undefined);
  expect(performance.now() - started).toBeLessThan(900);
  for (const error of await Promise.all(waiting)) expect(error.fault).toBe('name');
});
