import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NodeRepository } from '../../../../src/persistence/node/node.repository.js';
import { startTestDatabase, type TestDatabase, testKeyring } from '../../../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

it('walks through more nodes than a page has, each once, whatever is deleted on the way', async () => {
  const nodes = new NodeRepository(database.source, testKeyring());
  const made: string[] = [];
  for (let i = 0; i < 11; i++) {
    const state = i % 2 ? 'enroll' : 'manageable';
    const row = { uuid: randomUUID(), driver: 'fake-hardware', provision_state: state };
    made.push((await nodes.create(row)).uuid);
  }
  const seen: string[] = [];
  const sizes: number[] = [];
  for await (const page of nodes.pages({}, ['uuid'], 4)) {
    sizes.push(page.length);
    seen.push(...page.map(({ uuid }) => uuid));
    // An offset would leave out as many as were deleted.
    if (sizes.length === 1) await database.source.query('delete from node where uuid = $1', [made[0]]);
  }
  expect(seen).toEqual(made);
  expect(sizes).toEqual([4, 4, 3]);
  const filtered: string[] = [];
  for await (const page of nodes.pages({ provision_state: 'enroll' }, ['*'], 2))
    filtered.push(...page.map(({ uuid }) => uuid));
  expect(filtered).toEqual(made.filter((_, i) => i % 2));
});
