import { Client } from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { NOTIFY } from '../../../src/persistence/event/event-hint.js';
import { type ApiClient, startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let api: ApiClient;
beforeAll(async () => {
  database = await startTestDatabase();
  server = await startApi(database);
  api = server.api;
});
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

/** As many of everything; the nodes are in a transition, so that their steps are looked for. */
async function fill(count: number): Promise<void> {
  const query = (text: string) => database.source.query(text, [count]);
  await query(`insert into chassis (uuid) select gen_random_uuid() from generate_series(1, $1)`);
  await query(`
    insert into node (uuid, driver, provision_state, target_provision_state, traits, chassis_uuid)
    select gen_random_uuid(), 'fake-hardware', 'deploying', 'active', '["CUSTOM_A"]', (select uuid from chassis limit 1)
      from generate_series(1, $1)`);
  await query(`
    insert into volume_connector (uuid, node_uuid, type, connector_id)
    select gen_random_uuid(), (select uuid from node limit 1), 'iqn', gen_random_uuid() from generate_series(1, $1)`);
  await query(`
    insert into volume_target (uuid, node_uuid, volume_type, volume_id, boot_index)
    select gen_random_uuid(), (select uuid from node limit 1), 'iscsi', 'v', coalesce((select max(boot_index) from volume_target), 0) + i
      from generate_series(1, $1) as i`);
  await query(`
    insert into portgroup (uuid, node_uuid)
    select gen_random_uuid(), (select uuid from node limit 1) from generate_series(1, $1)`);
  await query(`
    insert into port (uuid, node_uuid, portgroup_uuid, address)
    select gen_random_uuid(), (select uuid from node limit 1), (select uuid from portgroup limit 1), gen_random_uuid()
      from generate_series(1, $1)`);
}

/** The test's own looks are not counted. */
const WATCH = `select provision_state from node where uuid = $1 and reservation is null and now() is not null`;

/** Queries that reach the database while something is done, without notifications: one for all commits of 10 ms. */
async function counted<T>(work: () => Promise<T>): Promise<{ result: T; queries: number }> {
  const spy = vi.spyOn(Client.prototype, 'query');
  try {
    const result = await work();
    const texts = spy.mock.calls.map(([query]: unknown[]) =>
      typeof query === 'string' ? query : (query as { text: string }).text,
    );
    return { result, queries: texts.filter((text) => text !== WATCH && text !== NOTIFY).length };
  } finally {
    spy.mockRestore();
  }
}

async function queriesOf(path: string): Promise<{ length: number; queries: number }> {
  const { result, queries } = await counted(() => api.get(path));
  expect(result.status).toBe(200);
  return { length: Object.values<unknown[]>(result.json)[0]!.length, queries };
}

it('a listing costs one query or two, whatever its length', async () => {
  const paths = [
    'nodes',
    'nodes/detail',
    'ports',
    'ports/detail',
    'portgroups/detail',
    'chassis/detail',
    'volume/connectors',
    'volume/targets?detail=true',
  ];
  await fill(3);
  const few = await counts(paths);
  await fill(97);
  const many = await counts(paths);
  for (const [index, path] of paths.entries()) {
    expect([path, few[index]!.length, many[index]!.length]).toEqual([path, 3, 100]);
    expect([path, many[index]!.queries]).toEqual([path, few[index]!.queries]);
    expect(few[index]!.queries).toBeGreaterThan(0);
    expect(few[index]!.queries).toBeLessThanOrEqual(2);
  }
});

async function counts(paths: readonly string[]) {
  const all: Awaited<ReturnType<typeof queriesOf>>[] = [];
  for (const path of paths) all.push(await queriesOf(`/v1/${path}`));
  return all;
}

it('a node costs one query to enrol or to show, three to change', async () => {
  const enrol = await counted(() => api.post('/v1/nodes', { driver: 'fake-hardware' }));
  expect([enrol.result.status, enrol.queries]).toEqual([201, 1]);
  const { uuid } = enrol.result.json as { uuid: string };
  const events = () =>
    database.source.query(`select event, state, conductor from event where node_uuid = $1`, [uuid]);
  const created = { event: 'Node was created.', state: 'enroll', conductor: server.parts.host };
  expect(await events()).toEqual([created]);
  expect((await api.post('/v1/nodes', { driver: 'fake-hardware', uuid })).status).toBe(409);
  expect(await events()).toEqual([created]);
  const path = `/v1/nodes/${uuid}`;
  const show = await counted(() => api.get(path));
  expect([show.result.status, show.queries]).toEqual([200, 1]);
  // Looked at for what its state forbids, taken, written and let go.
  const change = await counted(() => api.patch(path, [{ op: 'add', path: '/extra/rack', value: 7 }]));
  expect([change.result.status, change.queries]).toEqual([200, 3]);
  expect((await api.get(path)).json).toMatchObject({ extra: { rack: 7 }, reservation: null });
  const maintenance = await counted(() => api.put(`${path}/maintenance`, { reason: 'a fan' }));
  expect([maintenance.result.status, maintenance.queries]).toEqual([202, 3]);
  expect((await api.get(path)).json).toMatchObject({ maintenance: true, reservation: null });
});

/** Verbs of a life, and where each leads. */
const LIFE = [
  ['manage', 'manageable'],
  ['provide', 'available'],
  ['active', 'active'],
] as const;

it.each([
  ['that is only a record', {}, 17],
  // Each of its thirteen steps is journaled before it acts, and each power change is recorded.
  ['whose machine keeps a journal', { fake_journal: 'life.jsonl' }, 51],
])('a fake node %s goes from enroll to active with few queries', async (_name, driver_info, most) => {
  const { uuid } = (
    await api.post('/v1/nodes', {
      driver: 'fake-hardware',
      driver_info,
      instance_info: { image_source: 'http://images/disk.raw', image_checksum: 'a'.repeat(32) },
    })
  ).json as { uuid: string };
  let total = 0;
  for (const [target, state] of LIFE) {
    const { queries } = await counted(async () => {
      const { status } = await api.put(`/v1/nodes/${uuid}/states/provision`, { target });
      expect(status).toBe(202);
      await vi.waitUntil(
        async () => {
          const [row] = await database.source.query<{ provision_state: string }[]>(WATCH, [uuid]);
          return row?.provision_state === state;
        },
        { timeout: 20_000, interval: 10 },
      );
    });
    total += queries;
  }
  expect(total).toBeGreaterThan(LIFE.length);
  expect(total).toBeLessThanOrEqual(most);
});
