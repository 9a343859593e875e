import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BY, fakeConductor } from '../../support/conductor.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';
import { NOTE } from '../../support/note.js';

let database: TestDatabase;
let kit: Awaited<ReturnType<typeof fakeConductor>>;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());
beforeEach(async () => {
  await database.clear();
  kit = await fakeConductor(database, {
    settings: {
      node_history_max_entries: 10,
      node_history_max_days: 30,
      nodeless_history_max_entries: 20,
      operation_max_entries: 5,
      operation_max_days: 20,
    },
  });
  await kit.start(null);
});
afterEach(() => kit.stop(null));

const history = () => kit.tasks.find(({ name }) => name === 'history')!;
const count = async (text: string, values: unknown[] = []) =>
  Number(
    (await database.source.query<{ count: string }[]>(`select count(*) from ${text}`, values))[0]!.count,
  );

describe('what happened to nodes', () => {
  it('is looked through soon after every start', () => {
    expect(history()).toMatchObject({ atStart: true, every: 3_600 });
  });

  it('is deleted by age and by number, in batches, and what is open stays', async () => {
    const [one, other] = [await kit.node(), await kit.node()];
    // One node has far more than one batch, the other is old.
    await database.source.query(
      `insert into event (uuid, node_uuid, created_at, severity, event_type, event)
       select gen_random_uuid(), $1::uuid, now() - interval '40 days', 'INFO', 'test', 'old ' || n from generate_series(1, 2500) n
       union all
       select gen_random_uuid(), $1::uuid, now(), 'INFO', 'test', 'new ' || n from generate_series(1, 2500) n
       union all
       select gen_random_uuid(), $2::uuid, now() - interval '10 days', 'INFO', 'test', 'few ' || n from generate_series(1, 3) n`,
      [one, other],
    );
    await database.source.query(
      `insert into operation (uuid, node_uuid, kind, state, conductor, finished_at)
       select gen_random_uuid(), $1::uuid, 'verify', 'finished', 'conductor-1', now() - interval '1 day' * (30 - n) from generate_series(1, 28) n
       union all
       select gen_random_uuid(), $2::uuid, 'verify', 'finished', 'conductor-1', now() - interval '19 days' from generate_series(1, 3)
       union all
       select gen_random_uuid(), $2::uuid, 'verify', 'held', 'conductor-1', null`,
      [one, other],
    );
    await database.source.query(
      `insert into operation_step (operation_id, position, interface, name, priority, abortable, rerunnable, visible, agent, state)
       select id, 0, 'power', 'verify', 0, true, true, true, false, 'done' from operation`,
    );
    await history().run(new AbortController().signal);
    const left = await database.source.query<{ event: string }[]>(
      `select event from event where node_uuid = $1 order by id`,
      [one],
    );
    expect(left.map(({ event }) => event)).toEqual(Array.from({ length: 10 }, (_, n) => `new ${2491 + n}`));
    // With the one of its creation.
    expect(await count('event where node_uuid = $1', [other])).toBe(4);
    expect(await count('operation where node_uuid = $1', [one])).toBe(5);
    expect(await count('operation where node_uuid = $1', [other])).toBe(4);
    expect(await count('operation_step')).toBe(9);
    expect(await count(`operation where finished_at < now() - interval '20 days'`)).toBe(0);
  });

  it('of what belongs to no node is deleted by age and by number as well', async () => {
    const kept = await kit.node();
    const before = await count('event where node_uuid is not null');
    await database.source.query(
      `insert into event (uuid, created_at, severity, event_type, event)
       select gen_random_uuid(), now() - interval '1 day' * (case when n <= 50 then 40 else 1 end), 'INFO', 'test', 'no ' || n
         from generate_series(1, 1500) n`,
    );
    await history().run(new AbortController().signal);
    const left = await database.source.query<{ event: string }[]>(
      `select event from event where node_uuid is null order by id`,
    );
    expect(left.map(({ event }) => event)).toEqual(Array.from({ length: 20 }, (_, n) => `no ${1481 + n}`));
    expect(await count('event where node_uuid is not null')).toBe(before);
    expect(await kit.parts.nodes.get(kept)).toBeDefined();
    await database.source.query(
      `insert into event (uuid, created_at, severity, event_type, event)
       select gen_random_uuid(), now() - interval '40 days', 'INFO', 'test', 'old' from generate_series(1, 5)`,
    );
    await database.source.query(
      `update event set created_at = now() - interval '40 days' where event = 'no 1481'`,
    );
    await history().run(new AbortController().signal);
    expect(await count(`event where created_at < now() - interval '30 days'`)).toBe(0);
  });

  it('goes with the node: another one by its UUID has a history of its own', async () => {
    const uuid = await kit.node();
    await kit.conductor.verbs.provision(uuid, 'manage', {}, BY);
    await kit.settle(uuid, 'manageable');
    await kit.conductor.nodes.delete(uuid, BY);
    const kept = await database.source.query('select event_type, event from event where node_uuid = $1', [
      uuid,
    ]);
    expect(kept).toEqual([{ event_type: 'change', event: `Node ${uuid} was deleted.` }]);
    expect(await count('operation where node_uuid = $1', [uuid])).toBe(0);
    // What somebody told of it too late.
    await kit.parts.events.add({ node_uuid: uuid, ...NOTE, event: 'late' }, database.source);
    await kit.conductor.nodes.create({ uuid, driver: 'fake-hardware', provision_state: 'enroll' }, BY);
    const node = await kit.parts.nodes.get(uuid);
    const shown = await kit.parts.events.history(node, { limit: 100 });
    expect(shown.map(({ event }) => event)).toEqual(['Node was created.']);
  });

  it('has texts of 64 KiB at most, whatever a BMC or an agent says', async () => {
    const uuid = await kit.node({ fake_fail_power: `begins ${'\u{1f525}'.repeat(100_000)} ends` });
    await kit.conductor.verbs.provision(uuid, 'manage', {}, BY);
    const node = await kit.settle(uuid, 'enroll');
    expect(node.last_error).toMatch(/begins 🔥.* … \(cut\)$/u);
    expect(Buffer.byteLength(node.last_error!)).toBeLessThanOrEqual(65_536);
    const [longest] = await database.source.query<{ most: number }[]>(
      `select greatest((select max(octet_length(event)) from event), (select max(octet_length(error)) from operation),
                       (select max(octet_length(args::text)) from operation)) as most`,
    );
    expect(longest!.most).toBeLessThanOrEqual(66_000);
  });
});
