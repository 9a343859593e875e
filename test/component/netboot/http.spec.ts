import { execFile } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { netbootSection } from '../../../src/config/section/netboot.js';
import { HttpBootServer } from '../../../src/netboot/http/server.js';
import {
  bootScript,
  configuredFiles,
  Manifest,
  publishedFiles,
} from '../../../src/netboot/published/manifest.js';
import type { Segment } from '../../../src/persistence/published-file/publication.js';
import { createLogger } from '../../../src/platform/logger.js';
import { publishedFor } from '../../support/published.js';

const NODE = randomUUID();
const kernel = randomBytes(5_000_000);
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
let directory: string;
let ISO: Segment[];
let iso: Buffer;
let server: HttpBootServer;
let manifest: Manifest;
let holder: string | null = null;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ferric-http-'));
  writeFileSync(join(directory, 'kernel'), kernel);
  utimesSync(join(directory, 'kernel'), 1_700_000_000, 1_700_000_000);
  writeFileSync(join(directory, 'empty'), '');
  const header = randomBytes(4_096);
  ISO = [
    { bytes: header.toString('base64') },
    { zeros: 1_000 },
    { path: join(directory, 'kernel'), start: 0, length: 3_000_000 },
    { zeros: 0 },
    { path: join(directory, 'kernel'), start: 4_999_000, length: 1_000 },
  ];
  iso = Buffer.concat([
    header,
    Buffer.alloc(1_000),
    kernel.subarray(0, 3_000_000),
    kernel.subarray(4_999_000),
  ]);
  symlinkSync('/etc/passwd', join(directory, 'link'));
  const plan: Parameters<typeof publishedFor>[1] = {
    [`${NODE}/deploy_kernel`]: join(directory, 'kernel'),
    link: join(directory, 'link'),
    zero: '/dev/zero',
    folder: directory,
    'media/boot.iso': { kind: 'generated', segments: ISO, size: iso.length },
    'media/lost.iso': {
      kind: 'generated',
      segments: [{ zeros: 1_000_000 }, { path: join(directory, 'gone'), start: 0, length: 100 }],
      size: 1_000_100,
    },
  };
  manifest = new Manifest(
    [
      bootScript,
      publishedFiles(publishedFor(NODE, plan), [directory]),
      configuredFiles({ 'snponly.efi': join(directory, 'kernel'), empty: join(directory, 'empty') }),
    ],
    {
      admits: async () => true,
      speaksFor: async (node_uuid) => holder === null || holder === node_uuid,
    },
  );
  server = new HttpBootServer(section(), manifest, createLogger('silent'));
  await server.start();
});
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

function section(http: object = {}) {
  return netbootSection.parse({ http: { listen: '127.0.0.1', port: 0, ...http } });
}
function curl(...args: string[]): Promise<{ status: number; body: Buffer; head: string; exit: number }> {
  return new Promise((resolve) => {
    const dump = join(directory, `head.${randomUUID()}`);
    execFile(
      'curl',
      ['-sS', '--path-as-is', '-D', dump, ...args],
      { encoding: 'buffer', maxBuffer: 64 * 1024 * 1024, timeout: 30_000 },
      (error, stdout) => {
        const head = existsSync(dump) ? readFileSync(dump, 'latin1') : '';
        const status = Number(/^HTTP\/1\.1 (\d{3})/m.exec(head)?.[1] ?? 0);
        resolve({ status, body: stdout, head, exit: error ? Number(error.code ?? -1) : 0 });
      },
    );
  });
}
const url = (path: string) => `http://127.0.0.1:${server.port}${path}`;
/** One request as bytes, for what no client would send; the whole answer. */
function raw(request: string, port = server.port!): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    socket.setEncoding('latin1').on('data', (text) => {
      answer += text;
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', () => resolve(answer));
  });
}

describe('content that is generated while it is served', () => {
  it('is whole, of the length that is told before, and the same in any ranges', async () => {
    const whole = await curl(url('/media/boot.iso'));
    expect([whole.status, sha(whole.body)]).toEqual([200, sha(iso)]);
    const head = (await curl('-I', url('/media/boot.iso'))).head;
    expect(head).toMatch(new RegExp(`Content-Length: ${iso.length}\r`));
    const etag = /ETag: (\S+)\r/.exec(head)?.[1];
    for (const [from, to] of [
      [0, 0],
      [2_048, 4_095],
      [4_000, 6_000], // over three segments
      [5_095, 5_096],
      [3_005_000, 3_005_200],
      [iso.length - 2_048, iso.length - 1],
      [1, iso.length - 2],
    ] as const) {
      const part = await curl('-r', `${from}-${to}`, '-H', `If-Range: ${etag}`, url('/media/boot.iso'));
      expect([part.status, part.body.length]).toEqual([206, to - from + 1]);
      expect(sha(part.body)).toBe(sha(iso.subarray(from, to + 1)));
    }
    expect((await curl('-r', `${iso.length}-`, url('/media/boot.iso'))).status).toBe(416);
  });

  it('is cut where a file of it is gone: a short body is never taken for a whole one', async () => {
    const got = await curl(url('/media/lost.iso'));
    expect(got.exit).toBe(18); // transfer closed with bytes outstanding
    expect(got.head).toMatch(/Content-Length: 1000100\r/);
    expect((await curl('-r', '1000000-', url('/media/lost.iso'))).status).toBe(500);
  });
});

describe('curl', () => {
  it('GET and HEAD: the file, its length, validators', async () => {
    const got = await curl(url(`/${NODE}/deploy_kernel`));
    expect(got.status).toBe(200);
    expect(sha(got.body)).toBe(sha(kernel));
    expect(got.head).toMatch(/Content-Length: 5000000\r/);
    expect(got.head).toMatch(/Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT\r/);
    expect(got.head).toMatch(/Accept-Ranges: bytes\r/);
    const head = await curl('-I', url('/snponly.efi'));
    expect(head).toMatchObject({ status: 200 });
    expect(head.head).toMatch(/Content-Length: 5000000\r/);
    expect(await curl(url('/empty'))).toMatchObject({ status: 200, body: Buffer.alloc(0) });
    expect((await curl(url('/boot.ipxe'))).body.toString()).toMatch(/^#!ipxe\n/);
  });

  it('ranges', async () => {
    const part = await curl('-r', '4999990-', url('/snponly.efi'));
    expect(part).toMatchObject({ status: 206, body: kernel.subarray(4_999_990) });
    expect(part.head).toMatch(/Content-Range: bytes 4999990-4999999\/5000000\r/);
    expect(
      (await curl('-r', '1000000-2999999', url('/snponly.efi'))).body.equals(kernel.subarray(1e6, 3e6)),
    ).toBe(true);
    const beyond = await curl('-r', '5000000-', url('/snponly.efi'));
    expect(beyond.status).toBe(416);
    expect(beyond.head).toMatch(/Content-Range: bytes \*\/5000000\r/);
    expect((await curl('-r', `0-1,${'2-3,'.repeat(999)}4-5`, url('/snponly.efi'))).status).toBe(416);
  });

  it('resumes a download', async () => {
    const out = join(directory, 'resumed');
    writeFileSync(out, kernel.subarray(0, 1_234_567));
    expect((await curl('-C', '-', '-o', out, url('/snponly.efi'))).status).toBe(206);
    expect(statSync(out).size).toBe(5_000_000);
  });

  it('conditions', async () => {
    const etag = /ETag: (.*)\r/.exec((await curl('-I', url('/snponly.efi'))).head)![1]!;
    expect((await curl('-H', `If-None-Match: ${etag}`, url('/snponly.efi'))).status).toBe(304);
    expect(
      (await curl('-H', 'If-Modified-Since: Mon, 01 Jan 2024 00:00:00 GMT', url('/snponly.efi'))).status,
    ).toBe(304);
    expect(
      (await curl('-H', 'If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT', url('/snponly.efi'))).status,
    ).toBe(200);
    const changed = ['-r', '0-9', '-H', 'If-Range: "other"', url('/snponly.efi')];
    expect((await curl(...changed)).status).toBe(200);
    expect((await curl('-r', '0-9', '-H', `If-Range: ${etag}`, url('/snponly.efi'))).status).toBe(206);
  });

  it('one connection for many requests', async () => {
    const { head } = await curl(
      url('/boot.ipxe'),
      url('/empty'),
      '-w',
      '%{num_connects} ',
      '-o',
      '/dev/null',
      '-o',
      '/dev/null',
    );
    expect(head.match(/HTTP\/1.1 200/g)).toHaveLength(2);
  });

  it.each([
    '/',
    '/missing',
    '/../../../etc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/..%2f..%2fetc%2fpasswd',
    '/snponly.efi%00',
    '/a\\..\\snponly.efi',
    '/a/../snponly.efi',
    '/snponly.efi/',
    '/link',
    '/zero',
    '/folder',
    `/${NODE}/`,
    `/${NODE}/../${NODE}/deploy_kernel`,
  ])('%s is 404', async (path) => {
    const { status, body } = await curl(url(path));
    expect(status).toBe(404);
    expect(body).toHaveLength(0);
  });

  it.each([
    '//snponly.efi',
    '/./snponly.efi',
    '/\\snponly.efi',
    '/%5csnponly.efi',
    '/snponly.efi%ff%0a',
    '/.//snponly.efi?x',
  ])('%s is snponly.efi', async (path) => {
    const { status, body } = await curl('--path-as-is', url(path));
    expect([status, body.length]).toEqual([200, (await curl(url('/snponly.efi'))).body.length]);
  });

  it('an error closes the connection, for EDK2 waits on one that stays open', async () => {
    const send = (line: string) => raw(`${line} HTTP/1.1\r\nHost: a\r\n\r\n`);
    for (const [line, status] of [
      ['GET /missing', 404],
      ['HEAD /missing', 404],
      ['PUT /snponly.efi', 405],
    ]) {
      const begun = performance.now();
      const answer = await send(line as string);
      expect(answer).toMatch(
        new RegExp(`^HTTP/1\\.1 ${status} .*\r\n([^\r\n]+\r\n)*Connection: close\r\n`, 'i'),
      );
      expect(performance.now() - begun).toBeLessThan(10_000);
    }
  });

  it('other methods are 405, bodies 400', async () => {
    for (const method of ['PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      expect((await curl('-X', method, url('/snponly.efi'))).status).toBe(405);
    }
    expect((await curl('-X', 'GET', '-d', 'x', url('/snponly.efi'))).status).toBe(400);
  });

  it("another node's files are 404, whatever X-Forwarded-For says", async () => {
    holder = randomUUID();
    const forged = await curl('-H', 'X-Forwarded-For: 10.0.0.9', url(`/${NODE}/deploy_kernel`));
    expect(forged.status).toBe(404);
    expect((await curl('-I', url('/snponly.efi'))).status).toBe(200);
    holder = NODE;
    expect((await curl('-I', url(`/${NODE}/deploy_kernel`))).status).toBe(200);
    holder = null;
  });

  it('twenty downloads at once', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => curl(url('/snponly.efi'))));
    expect(new Set(all.map(({ body }) => sha(body)))).toEqual(new Set([sha(kernel)]));
  });
});

describe('bad clients', () => {
  it('garbage, huge heads and absolute targets are refused', async () => {
    expect(await raw('\x16\x03\x01\x02\x00\x01\r\n\r\n')).toMatch(/^HTTP\/1.1 400/);
    expect(await raw(`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 (400|431)/,
    );
    expect(await raw('GET http://evil/boot.ipxe HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1.1 404/,
    );
  });

  it('a reader that dawdles is cut off, one that reads on is not', async () => {
    const path = join(directory, 'large');
    writeFileSync(path, Buffer.alloc(30_000_000));
    const notes: number[] = [];
    const add = (_service: string, _name: string, bytes: number) => void notes.push(bytes);
    const fetched = () => notes.reduce((sum, bytes) => sum + bytes, 0);
    const impatient = new HttpBootServer(
      section({ min_bytes_per_second: 100_000 }),
      new Manifest([publishedFiles(publishedFor(NODE, { large: path }), [directory])], {
        admits: async () => true,
        speaksFor: async () => true,
      }),
      createLogger('silent'),
      1_500,
      { add, stop: async () => {} },
    );
    await impatient.start();
    const request = 'GET /large HTTP/1.1\r\nHost: a\r\n\r\n';
    const idle = connect(impatient.port!, '127.0.0.1', () => idle.write(request));
    const ended = new Promise((resolve) => idle.on('error', () => undefined).on('close', resolve));
    idle.pause();
    await vi.waitFor(() => expect(fetched()).toBeGreaterThan(0), { timeout: 5_000 });
    const url = `http://127.0.0.1:${impatient.port}/large`;
    const steady = await curl('--limit-rate', '8M', '-o', '/dev/null', url);
    expect(steady).toMatchObject({ status: 200, exit: 0 });
    // It read nothing for two windows by now.
    await sleep(3_500);
    idle.resume();
    await ended;
    expect(idle.bytesRead).toBeLessThan(30_000_000);
    expect(fetched()).toBeGreaterThan(30_000_000);
    await impatient.stop();
  });

  it('one address has its share of connections and no more', async () => {
    const few = new HttpBootServer(
      section({ max_connections_per_client: 3 }),
      manifest,
      createLogger('silent'),
    );
    await few.start();
    const open = Array.from({ length: 3 }, () => connect(few.port!, '127.0.0.1'));
    await sleep(100);
    const request = 'GET /empty HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    expect(await raw(request, few.port!)).toBe('');
    for (const socket of open) socket.destroy();
    await sleep(100);
    expect(await raw(request, few.port!)).toMatch(/^HTTP\/1.1 200/);
    await few.stop();
  });

  it('a client that goes away leaves no file open', async () => {
    const count = () => readdirSync('/proc/self/fd').length;
    const before = count();
    for (let i = 0; i < 10; i++) {
      const socket = connect(server.port!, '127.0.0.1', () =>
        socket.write('GET /snponly.efi HTTP/1.1\r\nHost: a\r\n\r\n'),
      );
      await new Promise((resolve) => socket.once('data', resolve));
      socket.destroy();
    }
    await sleep(300);
    expect(count()).toBeLessThanOrEqual(before + 1);
  });

  it('a file that shrinks on the way is a cut connection, not a short success', async () => {
    const path = join(directory, 'shrinking');
    const got = join(directory, 'shrunk');
    writeFileSync(path, randomBytes(50_000_000));
    const shrinking = new HttpBootServer(
      section(),
      new Manifest([configuredFiles({ shrinking: path })], {
        admits: async () => true,
        speaksFor: async () => true,
      }),
      createLogger('silent'),
    );
    await shrinking.start();
    const result = curl('--limit-rate', '20M', '-o', got, `http://127.0.0.1:${shrinking.port}/shrinking`);
    await vi.waitFor(() => expect(statSync(got).size).toBeGreaterThan(0), { timeout: 10_000 });
    truncateSync(path, 1000);
    expect((await result).exit).toBe(18); // CURLE_PARTIAL_FILE
    await shrinking.stop();
  });
});

it('says what it does', async () => {
  expect(server.describe()).toMatch(/^HTTP boot: on, 127.0.0.1 port \d+, machines see http:/);
  const off = new HttpBootServer(
    netbootSection.parse({ http: { listen: null } }),
    manifest,
    createLogger('silent'),
  );
  await off.start();
  expect(off.describe()).toBe('HTTP boot: off (netboot.http.listen names no address)');
  await off.stop();
});
