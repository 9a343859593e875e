import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';
import { NOTE } from '../../support/note.js';

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
const readers: Reader[] = [];
beforeAll(async () => {
  database = await startTestDatabase();
  server = await startApi(database);
});
beforeEach(() => {
  for (const reader of readers.splice(0)) reader.close();
});
afterAll(async () => {
  for (const reader of readers) reader.close();
  await server?.stop();
  await database?.stop();
});

interface Sent {
  id: string;
  event: string;
  data: { node_uuid: string; event: string; created_at: string };
}

/** A client of server-sent events. */
class Reader {
  readonly events: Sent[] = [];
  readonly comments: string[] = [];
  readonly #abort = new AbortController();
  status = 0;
  headers = new Headers();
  ended = false;

  static async open(query = '', lastId?: string): Promise<Reader> {
    const reader = new Reader();
    readers.push(reader);
    const response = await fetch(`${server.api.base}/v1/events/stream${query}`, {
      signal: reader.#abort.signal,
      headers: { accept: 'text/event-stream', ...(lastId === undefined ? {} : { 'last-event-id': lastId }) },
    });
    reader.status = response.status;
    reader.headers = response.headers;
    if (response.status === 200) void reader.#read(response.body!).catch(() => reader.#end());
    else reader.comments.push(await response.text());
    return reader;
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    let text = '';
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      for (let at = text.indexOf('\n\n'); at >= 0; at = text.indexOf('\n\n')) {
        this.#take(text.slice(0, at));
        text = text.slice(at + 2);
      }
    }
    this.#end();
  }

  #take(block: string): void {
    const field = (name: string) => block.match(new RegExp(`^${name}: (.*)$`, 'm'))?.[1];
    const id = field('id');
    if (id === undefined) this.comments.push(block);
    else this.events.push({ id, event: field('event')!, data: JSON.parse(field('data')!) });
  }

  #end(): void {
    this.ended = true;
  }

  async count(least: number): Promise<Sent[]> {
    for (let i = 0; i < 300 && this.events.length < least; i += 1) await sleep(20);
    expect(this.events.length).toBeGreaterThanOrEqual(least);
    return this.events;
  }

  close(): void {
    this.#abort.abort();
  }
}

const NODE = randomUUID();
let number = 0;
const add = (node_uuid = NODE, text = `e${number++}`) =>
  database.source.transaction((on) => server.parts.events.add({ node_uuid, ...NOTE, event: text }, on));

describe('GET /v1/events/stream', () => {
  it('sends events as they are committed, in that order', async () => {
    const reader = await Reader.open();
    expect([reader.status, reader.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    expect(reader.headers.get('openstack-request-id')).toMatch(/^req-/);
    // The first event takes its id first and commits last.
    const early = database.source.createQueryRunner();
    await early.startTransaction();
    const held = await server.parts.events.add({ node_uuid: NODE, ...NOTE, event: 'held' }, early.manager);
    const quick = await add();
    await reader.count(1);
    await early.commitTransaction();
    await early.release();
    const [first, second] = await reader.count(2);
    expect([first!.id, second!.id]).toEqual([quick.id, held.id]);
    expect(BigInt(held.id)).toBeLessThan(BigInt(quick.id));
    expect(second).toMatchObject({ event: 'test', data: { node_uuid: NODE, event: 'held' } });
    expect(second!.data.created_at).toContain('+00:00');
    // Whoever comes back with the later id still gets the one that committed after it.
    const back = await Reader.open('', quick.id);
    expect((await back.count(1)).map(({ id }) => id)).toEqual([held.id]);
  });
  it('sends nothing of what was rolled back', async () => {
    const reader = await Reader.open();
    await database.source
      .transaction(async (on) => {
        await server.parts.events.add({ node_uuid: NODE, ...NOTE, event: 'never' }, on);
        throw new Error('rolled back');
      })
      .catch((error: Error) => expect(error.message).toBe('rolled back'));
    await add(NODE, 'after');
    expect((await reader.count(1)).map(({ data }) => data.event)).toEqual(['after']);
  });
  it('goes on where a reader was, from memory and from the database', async () => {
    const first = await add();
    const ids: string[] = [];
    for (let i = 0; i < 1200; i += 1) ids.push((await add()).id);
    const fromMemory = await Reader.open('', first.id);
    expect((await fromMemory.count(1200)).map(({ id }) => id)).toEqual(ids);
    const { EventStream } = await import('../../../src/persistence/event/event-stream.js');
    const fresh = new EventStream(database.source, server.parts.events, () => undefined);
    await fresh.start();
    const got: string[] = [];
    await fresh.awake();
    fresh.subscribe(
      { push: ({ id }) => got.push(id), ready: async () => undefined, end: () => undefined },
      first.id,
    );
    const live = await add();
    for (let i = 0; i < 200 && got.length < 1201; i += 1) await sleep(20);
    expect(got).toEqual([...ids, live.id]);
    await fresh.stop();
  });
  it('filters by node', async () => {
    const { uuid } = (await server.api.post('/v1/nodes', { driver: 'fake-hardware', name: 'watched' })).json;
    const reader = await Reader.open('?node=watched');
    expect(reader.status).toBe(404); // without a version header there are no names
    const byUuid = await Reader.open(`?node=${uuid}`);
    await add();
    await add(uuid, 'mine');
    expect((await byUuid.count(1)).map(({ data }) => data.event)).toEqual(['mine']);
  });
  it('refuses what is no id', async () => {
    expect((await Reader.open('', 'x')).status).toBe(400);
    expect((await Reader.open('', '99999999999999999999')).status).toBe(400);
    expect((await Reader.open('?nosuch=1')).status).toBe(400);
  });
  it('survives a restart of the database and misses nothing', async () => {
    const reader = await Reader.open();
    await add(NODE, 'before');
    await reader.count(1);
    await database.source.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ferric-events'`,
    );
    await add(NODE, 'meanwhile');
    await reader.count(2);
    await database.halt();
    await database.resume();
    await add(NODE, 'later');
    const events = await reader.count(3);
    expect(events.map(({ data }) => data.event)).toEqual(['before', 'meanwhile', 'later']);
  });
  it('cuts off a reader that does not read, and only that one', async () => {
    const { hostname, port } = new URL(server.api.base);
    const stuck = connect(Number(port), hostname);
    stuck.write(`GET /v1/events/stream HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
    await new Promise((resolve) => stuck.once('data', resolve));
    stuck.pause();
    const closed = new Promise((resolve) => stuck.once('close', resolve));
    stuck.on('error', () => undefined);
    const reader = await Reader.open();
    const text = 'x'.repeat(100_000);
    for (let i = 0; i < 100; i += 1) await add(NODE, text);
    await reader.count(100);
    stuck.resume();
    await closed;
    expect(reader.ended).toBe(false);
  });
  it('ends with the listener', async () => {
    const other = await startApi(database);
    const response = await fetch(`${other.api.base}/v1/events/stream`);
    const started = performance.now();
    await other.stop();
    expect(await response.text()).toContain('retry: 2000');
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});
