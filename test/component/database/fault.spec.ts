import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inTransaction, openDatabase } from '../../../src/database/data-source.js';
import { eachRow } from '../../../src/database/each-row.js';
import { FAULTS, rowOf } from '../../../src/database/fault.js';
import { DatabaseAwayError, InvalidError } from '../../../src/domain/errors.js';
import { ENTITIES } from '../../../src/persistence/resources.js';
import { silentLog, startTestDatabase, type TestDatabase } from '../../support/database.js';
import { throwOnce } from '../../support/faults/throw-once.js';
import { collectedLog } from '../../support/log.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
  await database.source.query(`create sequence fault_tries`);
  await database.source.query(
    `create function raised(state text, unless bigint) returns int language plpgsql as
     $$ begin
          if nextval('fault_tries') >= unless then return 1; end if;
          raise exception 'as told' using errcode = state;
        end $$`,
  );
});
afterAll(() => database.stop());

const away = (trouble: string, undone = false) => ({ code: 'database-away', trouble, undone });
const raise = `select raised($1, 1000000)`;
/** All the ways on which a query goes. */
const WAYS: [string, (text: string, values: unknown[]) => Promise<unknown>][] = [
  ['the pool', (text, values) => database.source.query(text, values)],
  [
    'a transaction',
    (text, values) => inTransaction(database.source, (manager) => manager.query(text, values)),
  ],
  ['rows one by one', (text, values) => eachRow(database.source, text, values, () => undefined)],
];

/** By code of the server, what is thrown. */
const CODES: [string, { code: string; trouble?: string }][] = [
  ['08006', away('lost')], // connection failure
  ['25006', away('read-only')],
  ['25P03', away('lost')], // idle in transaction
  ['25P04', away('slow')], // transaction timeout
  ['28000', away('login')], // invalid authorization
  ['3D000', away('login')], // no such database
  ['40001', away('contended', true)], // serialization failure
  ['40003', away('lost')], // statement completion unknown
  ['40P01', away('contended', true)], // deadlock
  ['42501', away('login')], // insufficient privilege
  ['53000', away('exhausted')],
  ['53100', away('disk-full')],
  ['53200', away('out-of-memory')],
  ['53300', away('too-many-connections')],
  ['53400', away('exhausted')], // configuration limit
  ['55P03', away('contended')], // lock timeout
  ['57014', away('slow')], // statement timeout
  ['57P01', away('lost')], // administrator's shutdown
  ['57P02', away('lost')], // crash
  ['57P03', away('lost')], // cannot connect now
  ['57P05', away('lost')], // idle session
  ['58030', away('broken')], // I/O
  ['72000', away('contended', true)], // snapshot too old
  ['F0000', away('broken')], // configuration file
  ['XX000', away('broken')], // internal
  ['XX002', away('broken')], // corrupted index
  ['22001', { code: 'invalid' }], // too long for its column
  ['22021', { code: 'invalid' }], // NUL in a text
  ['22P05', { code: 'invalid' }], // NUL in JSON
  ['54000', { code: 'invalid' }], // too long for an index
  ['23514', { code: '23514' }], // check constraint
  ['42601', { code: '42601' }], // syntax
  ['0A000', { code: '0A000' }], // no such feature
  ['P0001', { code: 'P0001' }], // raised by a function
  ['25P02', { code: '25P02' }], // in a failed transaction
];

describe.each(WAYS)('an error of the server on %s', (_, ask) => {
  it.each(CODES)('%s is told as what it is', async (state, words) => {
    const error = await ask(raise, [state]).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject(words);
    if ('trouble' in words) expect(error).toBeInstanceOf(DatabaseAwayError);
    else if (words.code === 'invalid') expect(error).toBeInstanceOf(InvalidError);
    else expect(error).not.toHaveProperty('trouble');
  });

  it('that broke a constraint keeps its name', async () => {
    const uuid = '11111111-1111-4111-8111-111111111111';
    const insert = `insert into chassis (uuid) values ($1)`;
    await database.source.query(`${insert} on conflict do nothing`, [uuid]);
    await expect(ask(insert, [uuid])).rejects.toMatchObject({
      code: '23505',
      constraint: 'chassis_uuid_key',
    });
  });
});

it('is said once in the log, at the level of errors', async () => {
  const log = collectedLog();
  const { connection } = database;
  const own = await openDatabase({ connection, entities: ENTITIES, poolSize: 2, log });
  for (let n = 0; n < 3; n++) await own.query(raise, ['53100']).catch(() => undefined);
  await own.query(raise, ['53200']).catch(() => undefined);
  await own.query(raise, ['23505']).catch(() => undefined);
  await own.destroy();
  const lines = log
    .text()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(lines).toMatchObject([
    { level: 'error', trouble: 'disk-full', msg: 'The disk of the database is full.' },
    { level: 'error', trouble: 'out-of-memory' },
  ]);
});

it('no row of the table is without its example', () => {
  const tried = new Set(CODES.map(([state]) => rowOf(state)));
  expect(FAULTS.filter((row) => !tried.has(row))).toEqual([]);
});

it('a statement of which nothing was done is sent again, and in a transaction it is not', async () => {
  const { source } = database;
  await source.query(`select setval('fault_tries', 1, false)`);
  expect(await source.query(`select raised('40001', 3) as told`)).toEqual([{ told: 1 }]);
  await source.query(`select setval('fault_tries', 1, false)`);
  await expect(
    inTransaction(source, (manager) => manager.query(`select raised('40P01', 3)`)),
  ).rejects.toMatchObject(away('contended', true));
});

it('a lock that is not given, a statement that takes too long, a server that is read-only', async () => {
  const { source } = database;
  await source.query(`insert into chassis (uuid) values (gen_random_uuid())`);
  await inTransaction(source, async (holder) => {
    await holder.query(`select * from chassis for update`);
    const waits = inTransaction(source, async (manager) => {
      await manager.query(`set local lock_timeout = 50`);
      await manager.query(`update chassis set description = 'x'`);
    });
    await expect(waits).rejects.toMatchObject(away('contended'));
  });
  const slow = inTransaction(source, async (manager) => {
    await manager.query(`set local statement_timeout = 50`);
    await manager.query(`select pg_sleep(5)`);
  });
  await expect(slow).rejects.toMatchObject(away('slow'));
  const written = inTransaction(source, async (manager) => {
    await manager.query(`set transaction read only`);
    await manager.query(`update chassis set description = 'y'`);
  });
  await expect(written).rejects.toMatchObject(away('read-only'));
});

it('two that wait for each other: one of them is told so', async () => {
  const { source } = database;
  await source.query(
    `insert into chassis (uuid, description) values (gen_random_uuid(), 'a'), (gen_random_uuid(), 'b')`,
  );
  let met = 0;
  let go: () => void;
  const both = new Promise<void>((resolve) => {
    go = resolve;
  });
  const cross = (first: string, second: string) =>
    inTransaction(source, async (manager) => {
      const lock = `select 1 from chassis where description = $1 for update`;
      await manager.query(lock, [first]);
      if (++met === 2) go();
      await both;
      await manager.query(lock, [second]);
    });
  const ends = await Promise.allSettled([cross('a', 'b'), cross('b', 'a')]);
  const failed = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
  expect(failed).toEqual([expect.objectContaining(away('contended', true))]);
});

it('a value that cannot be sent is nobody else’s fault', async () => {
  const odd = {
    toPostgres: () => {
      throw new TypeError('no such value');
    },
  };
  for (let n = 0; n < 4; n++) {
    const error = await database.source.query(`select $1::text`, [odd]).catch((thrown: unknown) => thrown);
    expect(error).not.toBeInstanceOf(DatabaseAwayError);
  }
});

describe('a database that cannot be reached', () => {
  const open = (connection: Parameters<typeof openDatabase>[0]['connection']) =>
    openDatabase({ connection, entities: ENTITIES, poolSize: 2, log: silentLog });

  it('by its socket, by its port, or by its words', async () => {
    const { username, database: name, port, host } = database.connection;
    await expect(open({ host: '/nowhere', port, username, database: name })).rejects.toMatchObject({
      cause: away('lost'),
    });
    await expect(open({ url: 'postgresql://f@127.0.0.1:1/f' })).rejects.toMatchObject({
      cause: away('lost'),
    });
    await expect(open({ url: 'postgresql://f@no-such-host.invalid/f' })).rejects.toMatchObject({
      cause: away('lost'),
    });
    await expect(open({ host, port, username, database: 'none' })).rejects.toMatchObject({
      cause: away('login'),
    });
    const rude = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await new Promise<void>((resolve) => rude.listen(0, '127.0.0.1', resolve));
    const { port: taken } = rude.address() as { port: number };
    await expect(open({ url: `postgresql://f@127.0.0.1:${taken}/f` })).rejects.toMatchObject({
      cause: away('lost'),
    });
    rude.close();
  });

  it('in the middle of a query, and afterwards', async () => {
    const own = await openDatabase({
      connection: database.connection,
      entities: ENTITIES,
      poolSize: 2,
      log: silentLog,
    });
    const asked = own.query(`select pg_sleep(20), $1::text`, ['cut']);
    const cut = expect(asked).rejects.toMatchObject(away('lost'));
    await expect
      .poll(() =>
        database.source.query(
          `select pid from pg_stat_activity where query like '%pg_sleep(20)%' and pid <> pg_backend_pid()`,
        ),
      )
      .toHaveLength(1);
    await database.source.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(20)%' and pid <> pg_backend_pid()`,
    );
    await cut;
    await own.destroy();
  });
});

it('a fault in a row of a reading fails that reading, and its connection serves the next', async () => {
  const { thrown } = throwOnce('database: rows', 2);
  const read = async () => {
    const rows: number[] = [];
    await eachRow<{ n: number }>(
      database.source,
      `select n from generate_series(1, $1::integer) n`,
      [3],
      ({ n }) => rows.push(n),
    );
    return rows;
  };
  await expect(read()).rejects.toThrow('a fault on purpose: database: rows');
  expect(thrown()).toBe(true);
  for (let i = 0; i < 20; i++) expect(await read()).toEqual([1, 2, 3]);
});
