import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { singleClient } from '../../../../src/database/connection.js';
import { inTransaction } from '../../../../src/database/data-source.js';
import type { Event } from '../../../../src/persistence/event/event.entity.js';
import { EventRepository } from '../../../../src/persistence/event/event.repository.js';
import { EventStream } from '../../../../src/persistence/event/event-stream.js';
import { startTestDatabase, type TestDatabase } from '../../../support/database.js';
import { throwOnce } from '../../../support/faults/throw-once.js';
import { NOTE } from '../../../support/note.js';

let database: TestDatabase;
let events: EventRepository;
const streams: EventStream[] = [];
beforeAll(async () => {
  database = await startTestDatabase();
  events = new EventRepository(database.source);
});
beforeEach(() => database.clear());
afterEach(async () => {
  for (const stream of streams.splice(0)) await stream.stop();
});
afterAll(() => database.stop());

/** A stream of a process of its own, which has heard nothing yet. */
async function listening(): Promise<EventStream> {
  const stream = new EventStream(database.source, events, () => undefined);
  streams.push(stream);
  await stream.start();
  return stream;
}
async function follow(stream: EventStream, after: string | null) {
  await stream.awake();
  const got: Event[] = [];
  const end = stream.subscribe(
    { push: (event) => got.push(event), ready: () => Promise.resolve(), end: () => undefined },
    after,
  );
  return { got, end, texts: () => got.map(({ event }) => event) };
}
const NODE = randomUUID();
const add = (event: string, on = database.source.manager) =>
  events.add({ node_uuid: NODE, ...NOTE, event }, on);
/** Written, and committed when it is said. */
async function held(event: string) {
  const runner = database.source.createQueryRunner();
  await runner.startTransaction();
  await add(event, runner.manager);
  return async () => {
    await runner.commitTransaction();
    await runner.release();
  };
}

it('what commits after a later id was heard is not missed by who comes back with that id', async () => {
  const first = await follow(await listening(), null);
  const commit = await held('late');
  for (let n = 0; n < 5; n++) await add(`early ${n}`);
  await expect.poll(first.texts).toHaveLength(5);
  first.end();
  await commit();
  // From memory, from the database, and of a daemon that was started since.
  const back = await follow(streams[0]!, first.got.at(-1)!.id);
  const elsewhere = await follow(await listening(), first.got.at(-1)!.id);
  await expect.poll(back.texts).toContain('late');
  await expect.poll(elsewhere.texts).toContain('late');
});

it('nor is it where thousands came in between', async () => {
  const commit = await held('late');
  await database.source.query(
    `insert into event (uuid, node_uuid, severity, event_type, event)
     select gen_random_uuid(), $1, 'INFO', 'test', 'early ' || n from generate_series(1, 5000) n`,
    [NODE],
  );
  const [last] = await database.source.query<Event[]>(`select * from event order by id desc limit 1`);
  await commit();
  await add('next');
  const back = await follow(await listening(), last!.id);
  await expect.poll(back.texts, { timeout: 10_000 }).toContain('next');
  expect(back.texts()).toContain('late');
});

it('nor by who leaves in the midst of such a reading', async () => {
  const first = await add('first');
  const commit = await held('late');
  await database.source.query(
    `insert into event (uuid, node_uuid, severity, event_type, event)
     select gen_random_uuid(), $1, 'INFO', 'test', 'early ' || n from generate_series(1, 2000) n`,
    [NODE],
  );
  const got: Event[] = [];
  let after: Event | undefined;
  for await (const page of events.since(first.id, 500)) {
    got.push(...page);
    if (after) continue;
    await commit();
    after = await add('after');
  }
  // It got everything up to that event, and comes back with its id.
  const before = got
    .slice(
      0,
      got.findIndex(({ id }) => id === after!.id),
    )
    .map(({ event }) => event);
  expect(before).toContain('early 2000');
  const rest: string[] = [];
  for await (const page of events.since(after!.id, 500)) rest.push(...page.map(({ event }) => event));
  expect([...before, ...rest]).toContain('late');
});

it('an event whose hint was lost is received all the same', async () => {
  const reader = await follow(await listening(), null);
  await database.source.query(
    `insert into event (uuid, node_uuid, severity, event_type, event)
     values (gen_random_uuid(), $1, 'INFO', 'test', 'unannounced')`,
    [NODE],
  );
  await expect.poll(reader.texts, { timeout: 5_000 }).toEqual(['unannounced']);
});

it('a hint follows the commit', async () => {
  const listener = singleClient(database.source, 'ferric-test');
  await listener.connect();
  const hints: number[] = [];
  listener.on('notification', () => hints.push(performance.now()));
  await (listener.query('listen ferric_event') as Promise<unknown>);
  const committed = await inTransaction(database.source, async (manager) => {
    await add('announced', manager);
    await sleep(100);
    expect(hints).toEqual([]);
    return performance.now();
  });
  await expect.poll(() => hints).toHaveLength(1);
  expect(hints[0]).toBeGreaterThan(committed);
  await inTransaction(database.source, async (manager) => {
    await add('undone', manager);
    throw new Error('rolled back');
  }).catch(() => undefined);
  await sleep(100);
  expect(hints).toHaveLength(1);
  await listener.end();
});

it('nor by who comes back with the id of an event that is gone, or of before positions were kept', async () => {
  for (let n = 0; n < 5; n++) await add(`old ${n}`);
  await database.source.query(`update event set written_by = 0, horizon = 0`);
  const old = await database.source.query<Event[]>(`select * from event order by id`);
  const fresh = [await add('a'), await add('b'), await add('c')];
  const texts = async (id: string, least: number) => {
    const { texts: got } = await follow(await listening(), id);
    await expect.poll(got).toHaveLength(least);
    return got();
  };
  expect(await texts(old[3]!.id, 4)).toEqual(['old 4', 'a', 'b', 'c']);
  await database.source.query(`delete from event where id = $1`, [fresh[0]!.id]);
  expect(await texts(fresh[0]!.id, 2)).toEqual(['b', 'c']);
});

it('nor after a backup was restored on a server that counts its transactions anew', async () => {
  const before = await add('of the other server');
  await database.source.query(`update event set written_by = 1e15, horizon = 1e15`);
  const stream = await listening();
  await add('of this one');
  const back = await follow(stream, before.id);
  await expect.poll(back.texts).toEqual(['of this one']);
});

it('none of all that commit is missed: late commits, lost connections and readers that come and go', async () => {
  let writing = true;
  let number = 0;
  const committed: string[] = [];
  const writer = async () => {
    while (writing) {
      const text = `e${number++}`;
      await database.source
        .transaction(async (manager) => {
          await add(text, manager);
          if (Math.random() < 0.3) await sleep(Math.random() * 120);
          if (Math.random() < 0.1) throw new Error('rolled back');
        })
        .then(
          () => committed.push(text),
          () => undefined,
        );
    }
  };
  const seen = new Set<string>();
  let last: string | null = null;
  await listening();
  const reader = async () => {
    while (writing) {
      const stream = Math.random() < 0.5 ? streams[0]! : await listening();
      const { got, end } = await follow(stream, last);
      await sleep(20 + Math.random() * 150);
      end();
      for (const event of got) seen.add(event.event);
      last = got.at(-1)?.id ?? last;
      if (streams.length > 3) await streams.splice(1, 1)[0]!.stop();
    }
  };
  const killer = async () => {
    while (writing) {
      await sleep(150);
      await database.source.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ferric-events'`,
      );
    }
  };
  // The reader has its first event before anything can be missed.
  const first = await follow(streams[0]!, null);
  await add('first');
  await expect.poll(first.texts).toHaveLength(1);
  last = first.got[0]!.id;
  first.end();
  const work = [writer(), writer(), writer(), writer(), reader(), killer()];
  await sleep(6_000);
  writing = false;
  await Promise.all(work);
  const { got } = await follow(await listening(), last);
  await sleep(1_000);
  for (const event of got) seen.add(event.event);
  expect(committed.length).toBeGreaterThan(100);
  expect(committed.filter((text) => !seen.has(text))).toEqual([]);
});

it('a connection whose turn to come back throws comes back later', async () => {
  // Its loss is heard as an error and as an end; the third handler is the timer that connects again.
  const { thrown } = throwOnce('event stream: connection', 3);
  const reader = await follow(await listening(), null);
  await database.source.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ferric-events'`,
  );
  await expect.poll(thrown, { timeout: 5_000 }).toBe(true);
  await add('after it');
  await expect.poll(reader.texts, { timeout: 5_000 }).toEqual(['after it']);
});
