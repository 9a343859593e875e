import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { connect } from '../../../src/backup/connect.js';
import { openDatabase } from '../../../src/database/data-source.js';
import { Servers, serversOf } from '../../../src/database/servers.js';
import { DatabaseAwayError } from '../../../src/domain/errors.js';
import { EventRepository } from '../../../src/persistence/event/event.repository.js';
import { EventStream } from '../../../src/persistence/event/event-stream.js';
import { ENTITIES } from '../../../src/persistence/resources.js';
import { silentLog } from '../../support/database.js';
import { type PgServer, ReplicatedPair } from '../../support/failover.js';
import { throwOnce } from '../../support/faults/throw-once.js';
import { NOTE } from '../../support/note.js';

/** The daemon's side: a pool, its events and a stream of them. */
async function opened(url: string, parts: AsyncDisposableStack) {
  const source = await openDatabase({
    connection: { url },
    entities: ENTITIES,
    poolSize: 6,
    log: silentLog,
  });
  parts.defer(() => source.destroy());
  const events = new EventRepository(source);
  const add = (event: string) => events.add({ node_uuid: randomUUID(), ...NOTE, event }, source);
  /** Adds it when the database is back; an attempt of unknown outcome counts as none. */
  const addAtLast = async (event: string) => {
    for (const end = Date.now() + 30_000; ; ) {
      try {
        return await add(event);
      } catch (error) {
        if (!(error instanceof DatabaseAwayError) || Date.now() > end) throw error;
        await sleep(50);
      }
    }
  };
  return { source, events, add, addAtLast };
}

async function textsOn(server: PgServer): Promise<string[]> {
  return (await server.ask<{ event: string }>('select event from event')).map(({ event }) => event);
}

it('the standby that is promoted is written to, and nothing acknowledged is lost', async () => {
  await using parts = new AsyncDisposableStack();
  const pair = parts.use(await ReplicatedPair.up());
  // The standby stands first: it is passed over while it is one.
  const { source, events, add, addAtLast } = await opened(pair.url(pair.second, pair.first), parts);
  const stream = new EventStream(source, events, () => undefined);
  await stream.start();
  parts.defer(() => stream.stop());
  await stream.awake();
  const received = new Set<string>();
  stream.subscribe(
    { push: ({ event }) => received.add(event), ready: () => Promise.resolve(), end: () => undefined },
    null,
  );
  const acknowledged: string[] = [];
  let writing = true;
  const writers = Array.from({ length: 4 }, async () => {
    while (writing) {
      const text = randomUUID();
      const isWritten = await add(text).then(
        () => true,
        (error: unknown) => {
          expect(error).toBeInstanceOf(DatabaseAwayError);
          return false;
        },
      );
      if (isWritten) acknowledged.push(text);
      else await sleep(50);
    }
  });
  await expect.poll(() => acknowledged.length).toBeGreaterThan(50);
  await pair.first.crash();
  const before = acknowledged.length;
  pair.second.promote();
  await expect.poll(() => acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(before + 50);
  writing = false;
  await Promise.all(writers);
  const kept = new Set(await textsOn(pair.second));
  expect(acknowledged.filter((text) => !kept.has(text))).toEqual([]);
  // The stream has moved there, too.
  await addAtLast('afterwards');
  await expect.poll(() => received.has('afterwards'), { timeout: 10_000 }).toBe(true);
});

it('the former primary that comes back is not written to, not even where it is the only one', async () => {
  await using parts = new AsyncDisposableStack();
  const pair = parts.use(await ReplicatedPair.up());
  const { source, add, addAtLast } = await opened(pair.url(pair.first, pair.second), parts);
  await addAtLast('of the first');
  await pair.first.crash();
  pair.second.promote();
  await addAtLast('of the second');
  // It takes writes again, on its own timeline, and waits for no standby.
  await pair.first.start();
  await pair.first.ask(`alter system set synchronous_standby_names = ''`);
  await pair.first.ask('select pg_reload_conf()');
  await pair.second.ask(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ferric'`,
  );
  for (let n = 0; n < 20; n++) await addAtLast(`later ${n}`);
  expect(await textsOn(pair.second)).toContain('later 19');
  expect(await textsOn(pair.first)).toEqual(['of the first']);
  await pair.second.crash();
  const error = await add('refused').catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(DatabaseAwayError);
  const why = () => source.query('select 1').catch((thrown: Error) => String(thrown.cause));
  await expect.poll(why).toMatch(/its timeline 1 is older than 2, which was seen/);
  expect(await textsOn(pair.first)).toEqual(['of the first']);
});

it('connections to a primary that was replaced are closed, though it answers', async () => {
  // The first time that it would be found.
  const { thrown } = throwOnce('database: primary');
  await using parts = new AsyncDisposableStack();
  const pair = parts.use(await ReplicatedPair.up());
  const { source, addAtLast } = await opened(pair.url(pair.first, pair.second), parts);
  await addAtLast('of the first');
  // Cut off from its standby and not from us.
  await pair.first.ask(`alter system set synchronous_standby_names = ''`);
  await pair.first.ask('select pg_reload_conf()');
  pair.second.promote();
  const port = async () => {
    const rows = await source.query<{ port: number }[]>('select inet_server_port() as port');
    return rows[0]?.port;
  };
  await expect.poll(() => port().catch(() => 0), { timeout: 10_000 }).toBe(pair.second.port);
  expect(thrown()).toBe(true);
  await addAtLast('of the second');
  expect(await textsOn(pair.second)).toContain('of the second');
});

it('a commit that the standby has not confirmed counts as unknown, though the handler of the notice throws', async () => {
  const { thrown } = throwOnce('database: notice');
  await using parts = new AsyncDisposableStack();
  const pair = parts.use(await ReplicatedPair.up());
  const { add, addAtLast } = await opened(pair.url(pair.first, pair.second), parts);
  await addAtLast('confirmed');
  // `ferric db dump` and `restore` go there, too.
  const command = await connect({ url: pair.url(pair.second, pair.first) }, new AbortController().signal);
  const { rows } = await command.query<{ port: number }>('select inet_server_port() as port');
  await (command.end() as Promise<void>);
  expect(rows).toEqual([{ port: pair.first.port }]);
  await pair.second.crash();
  const outcome = add('alone').catch((error: unknown) => error);
  const cancel = async () => {
    const rows = await pair.first.ask<{ done: boolean }>(
      `select pg_cancel_backend(pid) as done from pg_stat_activity where wait_event = 'SyncRep'`,
    );
    return rows.length;
  };
  await expect.poll(cancel, { timeout: 10_000 }).toBeGreaterThan(0);
  expect(await outcome).toBeInstanceOf(DatabaseAwayError);
  expect(thrown()).toBe(true);
  // It is there, and whoever looks for it by its id finds it.
  expect(await textsOn(pair.first)).toContain('alone');
});

it('a server that accepts and says nothing does not delay the primary, though the timer of that throws', async () => {
  await using parts = new AsyncDisposableStack();
  const pair = parts.use(await ReplicatedPair.up());
  const mute = createServer((socket) => socket.on('error', () => undefined).resume());
  mute.listen(0, '127.0.0.1');
  await once(mute, 'listening');
  parts.defer(() => void mute.close());
  const { port } = mute.address() as AddressInfo;
  const { thrown } = throwOnce('database: primary settled');
  const servers = new Servers(serversOf(pair.url(pair.first).replace('@', `@127.0.0.1:${port},`)));
  const asked = performance.now();
  expect((await servers.primary()).port).toBe(pair.first.port);
  expect(performance.now() - asked).toBeLessThan(2_000); // it is given up after 3 s
  expect(thrown()).toBe(true);
});
