import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BodyReader } from '../../../src/api/request/body-reader.js';
import { ParseThread } from '../../../src/api/request/parse-thread.js';
import { startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>> | undefined;
const sockets: Socket[] = [];

beforeAll(async () => {
  database = await startTestDatabase();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server?.stop();
  server = undefined;
});
afterAll(() => database.stop());

type Options = NonNullable<Parameters<typeof startApi>[1]>;
async function start(options: Options = {}): Promise<void> {
  server = await startApi(database, options);
}
const portOf = (which: 'api' | 'agent') => Number(new URL(server![which].base).port);

/** A connection with what came over it. */
function open(port: number, text = ''): { socket: Socket; came: () => string; closed: () => boolean } {
  const socket = connect(port, '127.0.0.1', () => socket.write(text));
  sockets.push(socket);
  let came = '';
  let closed = false;
  socket.on('data', (part) => (came += String(part)));
  socket.on('error', () => undefined);
  socket.on('close', () => {
    closed = true;
  });
  return { socket, came: () => came, closed: () => closed };
}
const head = (path: string, length: number, more = '') =>
  `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nX-OpenStack-Ironic-API-Version: 1.84\r\nContent-Length: ${length}\r\n${more}\r\n`;
const REPORT = '/v1/continue_inspection';
const MIB = 2 ** 20;

describe('before a byte of the body', () => {
  it.each<[string, Options, string]>([
    ['a stranger', { conductorOptions: { dhcp: 'server' } }, '404 Not Found'],
    [
      'an address outside of the networks',
      { agent: { allowed_networks: ['192.0.2.0/24'] } },
      '404 Not Found',
    ],
  ])('%s is refused', async (_who, options, status) => {
    await start(options);
    for (const path of [REPORT, '/v1/heartbeat/7daa1a92-c3d7-4add-aaed-66fcbba58912']) {
      const { came } = open(portOf('agent'), head(path, MIB));
      await expect.poll(came, { timeout: 5_000 }).toContain(status);
    }
  });

  it('who asks too often is told so', async () => {
    await start({ agent: { requests_per_minute: 1 } });
    open(portOf('agent'), `${head(REPORT, 2)}{}`);
    await sleep(200);
    const { came } = open(portOf('agent'), head(REPORT, 16 * MIB));
    await expect.poll(came, { timeout: 5_000 }).toContain('429 Too Many');
  });

  it('who says that it is too large, or no JSON, is refused', async () => {
    await start();
    const large = open(portOf('agent'), head(REPORT, 17 * MIB));
    await expect.poll(large.came, { timeout: 5_000 }).toContain('413 ');
    const typed = head(REPORT, 16 * MIB).replace('application/json', 'text/plain');
    await expect.poll(open(portOf('agent'), typed).came, { timeout: 5_000 }).toContain('415 ');
  });
});

it.each(['[],', '"k":1,', '{},', '[[],'])(
  'a body of many values is refused while it comes: %j',
  async (unit) => {
    await start();
    const { came } = open(portOf('agent'), `${head(REPORT, 16 * MIB)}[${unit.repeat(100_000)}`);
    await expect.poll(came, { timeout: 5_000 }).toContain('400 Bad Request');
    expect(came()).toMatch(/too many values|nested too deeply/);
  },
);

it.each(['api', 'agent'] as const)('connections of one address are limited: %s', async (which) => {
  await start({ [which]: { max_connections_per_client: 5 } });
  const port = portOf(which);
  const all = Array.from({ length: 12 }, () => open(port));
  await expect.poll(() => all.filter(({ closed }) => closed()).length, { timeout: 5_000 }).toBe(7);
  for (const { socket } of all) socket.destroy();
  await expect
    .poll(
      () =>
        server![which].get('/').then(
          ({ status }) => status,
          () => 0,
        ),
      { timeout: 5_000 },
    )
    .toBe(200);
});

it('a large body is parsed beside the event loop, and judged as a small one is', async () => {
  await start();
  const port = portOf('agent');
  const long = 'x'.repeat(MIB);
  const post = async (body: string) => {
    const { came } = open(port, head(REPORT, Buffer.byteLength(body)) + body);
    await expect.poll(came, { timeout: 20_000 }).toMatch(/\r\n\r\n./);
    return came();
  };
  // The report of a machine that nobody knows: it was parsed, and looked for.
  const report = { inventory: { interfaces: [], bmc_address: null }, logs: long };
  expect(await post(JSON.stringify(report))).toMatch(/^HTTP\/1.1 40[04] /);
  expect(await post(`{"logs": "${long}"`)).toContain('it is not JSON');
  expect(await post(`{"logs": "${long}\\u0000"}`)).toContain('logs holds a NUL character');
  expect(await post(`{"logs": "${long}", "__proto__": 1}`)).toContain('__proto__');
});

describe('bytes of bodies under way', () => {
  /** A body that gives one piece and waits. */
  const held = () => {
    const gate = Promise.withResolvers<void>();
    const payload = {
      headers: {},
      async *iterator() {
        yield Buffer.alloc(100, ' ');
        await gate.promise;
      },
    };
    return { payload: payload as never, end: () => gate.resolve() };
  };

  const whole = async (bytes: Buffer) => bytes;

  it('are held until a value was made of them', async () => {
    const reader = new BodyReader({ total: 150, perClient: 150 });
    const made = Promise.withResolvers<void>();
    const first = held();
    first.end();
    const read = reader.read(first.payload, 'a', 1_000, () => made.promise);
    await sleep(10);
    const second = reader.read(held().payload, 'b', 1_000, whole);
    await expect(second).rejects.toMatchObject({ code: 'unavailable' });
    made.resolve();
    await read;
    const third = held();
    third.end();
    expect((await reader.read(third.payload, 'b', 1_000, whole)).length).toBe(100);
  });

  it('are limited for each address and in all, and free again with the end of each', async () => {
    const reader = new BodyReader({ total: 350, perClient: 250 });
    const all = ['a', 'a', 'b'].map((client) => {
      const { payload, end } = held();
      return { end, read: reader.read(payload, client, 1_000, whole) };
    });
    await sleep(10);
    const refused = { code: 'unavailable' };
    await expect(reader.read(held().payload, 'a', 1_000, whole)).rejects.toMatchObject(refused);
    await expect(reader.read(held().payload, 'c', 1_000, whole)).rejects.toMatchObject(refused);
    for (const { end } of all) end();
    for (const { read } of all) expect((await read).length).toBe(100);
    const again = held();
    again.end();
    expect((await reader.read(again.payload, 'a', 1_000, whole)).length).toBe(100);
  });

  it('of a large body fill memory of their own, so that a thread can have it', async () => {
    const pieces = Array.from({ length: 9 }, (_, n) => Buffer.alloc(40_000, `${n}`));
    const reader = new BodyReader({ total: 1e6, perClient: 1e6 });
    const payload = {
      headers: {},
      iterator: async function* () {
        yield* pieces;
      },
    };
    const bytes = await reader.read(payload as never, 'a', 1e6, whole);
    expect(bytes.equals(Buffer.concat(pieces))).toBe(true);
    expect(bytes.buffer.byteLength).toBe(bytes.length);
  });
});

it('bodies that are parsed in the thread side by side come back each to its own request', async () => {
  const thread = new ParseThread();
  const texts = Array.from({ length: 6 }, (_, n) => ({ n, text: `${n}`.repeat(400_000) }));
  const asked = texts.map((value) => {
    const text = Buffer.from(JSON.stringify(value));
    const bytes = Buffer.from(new ArrayBuffer(text.length));
    text.copy(bytes);
    return thread.parse(bytes, { hasLongNumber: false }, false);
  });
  expect(await Promise.all(asked)).toEqual(texts);
  await thread.close();
});
