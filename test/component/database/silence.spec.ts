import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inTransaction, openDatabase } from '../../../src/database/data-source.js';
import { EventRepository } from '../../../src/persistence/event/event.repository.js';
import { EventStream } from '../../../src/persistence/event/event-stream.js';
import { ENTITIES } from '../../../src/persistence/resources.js';
import { BY, fakeConductor } from '../../support/conductor.js';
import { silentLog, startTestDatabase, type TestDatabase } from '../../support/database.js';
import { NOTE } from '../../support/note.js';
import { StallingProxy } from '../../support/stalling-proxy.js';

let database: TestDatabase;
let proxy: StallingProxy;
let source: DataSource;
const POOL = 4;
beforeAll(async () => {
  database = await startTestDatabase();
  const { host, port, username, database: name } = database.connection;
  proxy = new StallingProxy(`${host}/.s.PGSQL.${port}`);
  source = await openDatabase({
    connection: { url: `postgresql://${username}@127.0.0.1:${await proxy.listen()}/${name}` },
    entities: ENTITIES,
    poolSize: POOL,
    statementTimeout: 1.5,
    log: silentLog,
  });
});
beforeEach(() => database.clear());
afterAll(async () => {
  await source?.destroy();
  proxy?.close();
  await database?.stop();
});

const away = { code: 'database-away', trouble: 'lost' };
/** As many connections as the pool has. */
const fill = () => Promise.all(Array.from({ length: POOL }, () => source.query(`select pg_sleep(0.1)`)));

describe('a connection that goes silent', () => {
  it('under a query: it is given up, and the next query has another one', async () => {
    const asked = source.query(`select pg_sleep(0.3)`);
    const lost = expect(asked).rejects.toMatchObject(away);
    await sleep(100);
    expect(proxy.stall()).toBeGreaterThan(0);
    await lost;
    expect(await source.query(`select 1 as one`)).toEqual([{ one: 1 }]);
  });

  it('in a transaction, between two queries or at its commit', async () => {
    const cut = inTransaction(source, async (manager) => {
      await manager.query(`insert into chassis (uuid) values (gen_random_uuid())`);
      proxy.stall();
    });
    await expect(cut).rejects.toMatchObject(away);
    expect(await source.query(`select 1 as one`)).toEqual([{ one: 1 }]);
  });

  it('takes those that stand idle beside it along: they are not found one by one', async () => {
    await fill();
    await sleep(700);
    expect(proxy.stall()).toBeGreaterThanOrEqual(POOL);
    await expect(source.query(`select 1`)).rejects.toMatchObject(away);
    // Each of these would be silent in its turn.
    for (let n = 0; n < POOL; n++) expect(await source.query(`select 1 as one`)).toEqual([{ one: 1 }]);
  });

  it('is none while the server is at work and says so, nor while rows come slowly', async () => {
    await expect(source.query(`select pg_sleep(10)`)).rejects.toMatchObject({
      code: 'database-away',
      trouble: 'slow',
    });
    const slow = inTransaction(source, async (manager) => {
      await manager.query(`set local statement_timeout = 0`);
      return manager.query<unknown[]>(
        `select repeat('x', 20000), pg_sleep(0.05) from generate_series(1, 60)`,
      );
    });
    expect(await slow).toHaveLength(60);
  });

  it('is noticed where nothing is asked but listened', async () => {
    const events = new EventRepository(source);
    const stream = new EventStream(source, events, () => undefined);
    await stream.start();
    const got: string[] = [];
    await stream.awake();
    stream.subscribe(
      { push: ({ event }) => got.push(event), ready: () => Promise.resolve(), end: () => undefined },
      null,
    );
    const add = (event: string) =>
      new EventRepository(database.source).add(
        { node_uuid: randomUUID(), ...NOTE, event },
        database.source.manager,
      );
    await add('heard');
    await expect.poll(() => got).toEqual(['heard']);
    proxy.stall();
    await add('in silence');
    await expect.poll(() => got, { timeout: 30_000 }).toEqual(['heard', 'in silence']);
    await add('afterwards');
    await expect.poll(() => got).toEqual(['heard', 'in silence', 'afterwards']);
    await stream.stop();
  });

  it('in the middle of a deployment: the work goes on', async () => {
    const kit = await fakeConductor({ ...database, source });
    await kit.start(null);
    const instance_info = { image_source: 'http://images/disk.raw', image_checksum: 'a'.repeat(64) };
    const uuids = await Promise.all(
      Array.from({ length: 4 }, () =>
        kit.node({ fake_delay_write_image: 0.3 }, { provision_state: 'available', instance_info }),
      ),
    );
    await Promise.all(uuids.map((uuid) => kit.conductor.verbs.provision(uuid, 'active', {}, BY)));
    await sleep(150);
    proxy.stall();
    // Looked at on another way to the database.
    const look = () =>
      database.source.query<object[]>(
        `select provision_state, last_error from node where reservation is null`,
      );
    await expect
      .poll(look, { timeout: 30_000 })
      .toEqual(uuids.map(() => ({ provision_state: 'active', last_error: null })));
    await kit.stop(null);
  });
});
