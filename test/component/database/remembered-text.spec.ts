import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { eachRow } from '../../../src/database/each-row.js';
import { RememberedTexts, type TextColumns } from '../../../src/database/remembered-text.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

/** What the database sends: for each row its texts, or null for those that are known. */
const sent: (string | null)[] = [];
const read: typeof eachRow = (source, text, values, take) =>
  eachRow(source, text, values, (row: never) => {
    sent.push((row as { fresh: string | null }).fresh);
    take(row);
  });

const COLUMNS =
  'uuid name driver description owner lessee fault last_error power_state shard resource_class'.split(' ');
const WHAT: TextColumns = {
  columns: ['name'],
  groups: [
    Object.fromEntries(COLUMNS.map((column) => [column, 'value'])),
    { extra: 'json' },
    { created_at: 'time' },
  ],
};

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

let texts: RememberedTexts;
beforeEach(async () => {
  await database.clear();
  await database.source.query(
    `insert into node (uuid, driver, provision_state, name, extra)
      select gen_random_uuid(), 'fake-hardware', 'enroll', 'n' || i, '{"a": "\\u00fc"}' from generate_series(1, 5) as i`,
  );
  texts = new RememberedTexts(database.source, 'node', read);
});

/** @returns names with their texts; how many rows came with a text */
async function ask(limit = 10, of = texts) {
  sent.length = 0;
  const answer: [string, string][] = [];
  await of.each<{ name: string; text_0: string; text_1: string; text_2: string }>(
    WHAT,
    ['order by id limit $1', [limit]],
    (row) => answer.push([row.name, [row.text_0, row.text_1, row.text_2].join()]),
  );
  return { answer, fresh: sent.filter((one) => one !== null).length };
}
const anew = async (limit?: number) =>
  (await ask(limit, new RememberedTexts(database.source, 'node', read))).answer;

it('has the texts sent once, and then those of rows that changed', async () => {
  const first = await ask();
  expect(first.fresh).toBe(5);
  expect(first.answer[0]![1]).toMatch(
    /^"uuid":"[-0-9a-f]{36}","name":"n1",.*,"extra":\{"a": "ü"\},"created_at":"20/,
  );
  expect(await ask()).toEqual({ answer: first.answer, fresh: 0 });
  await database.source.query(`update node set description = 'other' where name = 'n2'`);
  const second = await ask();
  expect(second.fresh).toBe(1);
  expect(second.answer[1]![1]).toContain('"description":"other"');
  expect(second.answer).toEqual(await anew());
  await database.source.query(`delete from node where name in ('n1', 'n5')`);
  await database.source.query(
    `insert into node (uuid, driver, provision_state, name) values (gen_random_uuid(), 'fake-hardware', 'enroll', 'n6')`,
  );
  const third = await ask();
  expect(third.fresh).toBe(1);
  expect(third.answer.map(([name]) => name)).toEqual(['n2', 'n3', 'n4', 'n6']);
  expect(third.answer).toEqual(await anew());
});

it('tells listings apart by what they ask', async () => {
  await ask(2);
  const all = await ask(10);
  expect(all.fresh).toBe(5);
  expect(await ask(2)).toEqual({ answer: all.answer.slice(0, 2), fresh: 0 });
});

it('forgets the listing that was asked longest ago, and what is too large', async () => {
  for (let limit = 1; limit <= 9; limit++) await ask(limit);
  expect((await ask(9)).fresh).toBe(0);
  expect((await ask(1)).fresh).toBe(1);
  await database.source.query(
    `update node set extra = jsonb_build_object('text', repeat('x', 20 * 1024 * 1024)) where name in ('n1', 'n2', 'n3')`,
  );
  await ask();
  const again = await ask();
  expect(again.fresh).toBe(5);
  expect(again.answer).toEqual(await anew());
});

it('is right while rows change under it', async () => {
  let done = false;
  const change = (async () => {
    for (let i = 0; !done; i++) {
      // What the columns say and what the text says must be of one moment.
      await database.source.query(
        `update node set name = 'm' || id || '-' || $1::int where id % 2 = $1::int % 2`,
        [i],
      );
    }
  })();
  try {
    for (let i = 0; i < 100; i++) {
      const { answer } = await ask();
      for (const [name, text] of answer) expect(text).toContain(`"name":"${name}"`);
    }
  } finally {
    done = true;
    await change;
  }
  expect((await ask()).answer).toEqual(await anew());
});
