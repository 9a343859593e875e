import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { NOTIFY } from '../../../src/persistence/event/event-hint.js';
import { BY, fakeConductor } from '../../support/conductor.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

/** How a test looks whether a node rests yet, and how a verb reads its node: not counted. */
const LOOK = 'select * from node where uuid = $1';

/** From enroll to active. @returns its statements, without looks, and without notifications: one for all commits of 10 ms */
async function lifeOf(driver_info: Record<string, string>): Promise<string[]> {
  const kit = await fakeConductor(database);
  await kit.start(null);
  const texts: string[] = [];
  const spied = vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (
    this: pg.Client,
    ...given
  ) {
    const [query] = given as unknown as [string | { text: string }];
    texts.push(typeof query === 'string' ? query : query.text);
    return (real as (...all: unknown[]) => unknown).apply(this, given) as never;
  });
  try {
    const instance_info = { image_source: 'http://images/disk.raw', image_checksum: 'a'.repeat(64) };
    const uuid = await kit.node(driver_info, { instance_info });
    for (const [verb, state] of [
      ['manage', 'manageable'],
      ['provide', 'available'],
      ['active', 'active'],
    ] as const) {
      await kit.conductor.verbs.provision(uuid, verb, {}, BY);
      await kit.settle(uuid, state);
    }
  } finally {
    spied.mockRestore();
    await kit.stop(null);
  }
  return texts.filter((text) => text !== LOOK && text !== NOTIFY);
}
const real = pg.Client.prototype.query;

it('steps that only write rows are committed together, with the events of their moves', async () => {
  const together = await lifeOf({});
  expect(together.length).toBeLessThanOrEqual(17);
  // Told in the statements of the changes themselves.
  expect(together.filter((text) => /^insert into "?event/.test(text))).toEqual([]);
  const apart = await lifeOf({ fake_journal: 'apart' });
  expect(apart.length).toBeGreaterThan(2 * together.length);
});
