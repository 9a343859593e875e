import type { EventEmitter } from 'node:events';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { CONNECTION_LIFE, StatementNames } from '../../../src/database/statement-names.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';
import { throwOnce } from '../../support/faults/throw-once.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database?.stop());

/** Runs work on one connection of the pool. */
async function onOne<T>(work: (query: (text: string, values?: unknown[]) => Promise<T[]>) => Promise<void>) {
  const runner = database.source.createQueryRunner();
  try {
    await work((text, values) => runner.query(text, values) as Promise<T[]>);
  } finally {
    await runner.release();
  }
}

const preparedOf = `select name, statement, generic_plans + custom_plans as plans from pg_prepared_statements`;

it('a statement that comes again and again is parsed once, and gives what it gives unprepared', async () => {
  await onOne<Record<string, unknown>>(async (query) => {
    for (let n = 1; n <= 5; n++) {
      expect(await query(`select $1::integer + 1 as next, $2::jsonb as of`, [n, '{"a": [1]}'])).toEqual([
        { next: n + 1, of: { a: [1] } },
      ]);
    }
    await query(`select $1::integer as once`, [1]);
    const kept = await query(preparedOf);
    expect(kept.filter(({ statement }) => String(statement).includes('as next'))).toEqual([
      expect.objectContaining({ name: expect.stringMatching(/^ferric_\d+$/), plans: '3' }),
    ]);
    expect(kept.filter(({ statement }) => String(statement).includes('as once'))).toEqual([]);
  });
});

it('a statement that fails is one that can be sent again', async () => {
  await onOne(async (query) => {
    for (let n = 0; n < 5; n++) {
      await expect(query(`select 1 / $1::integer as part`, [0])).rejects.toMatchObject({
        cause: { message: 'division by zero' },
      });
      await expect(query(`select $1::integer from nowhere`, [0])).rejects.toThrow('does not exist');
    }
    expect(await query(`select 1 / $1::integer as part`, [1])).toEqual([{ part: 1 }]);
  });
});

it('the columns of a named statement are described once a connection, and its rows stay what they were', async () => {
  await database.source.query(
    `create table described (id integer, at timestamptz, of jsonb, bytes bytea, names text[])`,
  );
  const row = {
    id: 1,
    at: new Date('2026-11-28T01:02:03.004Z'),
    of: { ä: [1, null, '"'] },
    bytes: Buffer.from([0, 255]),
    names: ['a', 'b,"c', null],
  };
  const values = [row.id, row.at, JSON.stringify(row.of), row.bytes, row.names];
  await onOne<Record<string, unknown>>(async (query) => {
    const all = `insert into described values ($1, $2, $3, $4, $5) returning *`;
    for (let n = 0; n < 5; n++) expect(await query(all, values)).toEqual([row]);
    for (let n = 0; n < 5; n++)
      await query(`insert into described values ($1, $2, $3, $4, $5)`, [null, null, null, null, null]);
    for (let n = 0; n < 5; n++) {
      expect(await query(`select * from described where id is not distinct from $1`, [null])).toHaveLength(5);
      expect(await query(`select id, of from described where id = $1 limit 2`, [1])).toEqual([
        { id: 1, of: row.of },
        { id: 1, of: row.of },
      ]);
      expect(await query(`select * from described where id = $1`, [2])).toEqual([]);
    }
    expect(await query(`update described set id = 3 where id = $1`, [1])).toEqual([[], 5]);
    for (let n = 0; n < 5; n++) {
      const twice = `select a.id as it, b.id as it from (select 1 as id) a left join described b on b.id = $1`;
      expect(await query(twice, [9])).toEqual([{ it: null }]);
    }
    for (let n = 0; n < 4; n++)
      expect(await query(`update described set names = $1 where id = 3`, [null])).toEqual([[], 5]);
  });
});

it('asks for the columns again only where it does not know them', async () => {
  const runner = database.source.createQueryRunner();
  try {
    const { connection } = (await runner.connect()) as { connection: EventEmitter };
    let described = 0;
    connection.on('rowDescription', () => described++);
    for (let n = 0; n < 10; n++) await runner.query(`select $1::integer as asked`, [n]);
    // Twice without a name, then once with it.
    expect(described).toBe(3);
  } finally {
    await runner.release();
  }
});

it('a value that cannot be sent fails before anything is sent', async () => {
  const odd = {
    toPostgres: () => {
      throw new TypeError('no such value');
    },
  };
  await onOne(async (query) => {
    for (let n = 0; n < 4; n++)
      expect(await query(`select $1::text as value`, ['a'])).toEqual([{ value: 'a' }]);
    await expect(query(`select $1::text as value`, [odd])).rejects.toThrow('no such value');
    expect(await query(`select $1::text as value`, ['b'])).toEqual([{ value: 'b' }]);
  });
});

it('a schema that changes under a connection costs that connection, and outside of a transaction nothing else', async () => {
  const { thrown } = throwOnce('database: connection out of date'); // hinders nobody
  await database.source.query(`create table changing (id integer)`);
  await onOne(async (query) => {
    for (let n = 0; n < 4; n++) await query(`select * from changing where id = $1`, [n]);
    await database.source.query(`alter table changing add column more text`);
    await expect(query(`select * from changing where id = $1`, [1])).rejects.toMatchObject({
      code: 'database-away',
      undone: true,
      cause: { message: expect.stringContaining('cached plan') },
    });
  });
  await onOne(async (query) => {
    expect(await query(`select * from changing where id = $1`, [1])).toEqual([]);
  });
  await expect.poll(thrown).toBe(true);
});

it('names go to other texts once nobody has used theirs for as long as a connection lives', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    const names = new StatementNames();
    const nameOf = (text: string) => [1, 2, 3].map(() => names.prepared(text, []).name)[2];
    const odd = Array.from({ length: 201 }, (_, n) => nameOf(`select ${n}`));
    expect(odd[0]).toBeDefined();
    expect(odd[200]).toBeUndefined();
    vi.advanceTimersByTime((CONNECTION_LIFE / 2) * 1000);
    expect(nameOf('select 0')).toBe(odd[0]);
    expect(nameOf('select next')).toBeUndefined();
    vi.advanceTimersByTime((CONNECTION_LIFE / 2 + 1) * 1000);
    const next = nameOf('select next');
    expect(next).toBeDefined();
    expect(odd).not.toContain(next);
    expect(nameOf('select 0')).toBe(odd[0]);
  } finally {
    vi.useRealTimers();
  }
});
