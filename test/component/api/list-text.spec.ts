import { afterAll, beforeAll, expect, it } from 'vitest';
import { Microversion } from '../../../src/api/microversion/microversion.js';
import { viewOf } from '../../../src/api/resource/field.js';
import { NODE_FIELDS } from '../../../src/api/v1/node/fields.js';
import { NodeRepository } from '../../../src/persistence/node/node.repository.js';
import { type ApiClient, startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase, testKeyring } from '../../support/database.js';

// Listings and single nodes are written as text, most of it by the database; what a change answers with is shown field
// by field.

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

const ODD = 'quote " back \\ tab \t line \n slash / nul-like \u0001 umlaut ü emoji 🛠 separator \u2028';
const JSON_VALUE = { [ODD]: [ODD, null, true, 1.5, 1e21, { deep: [] }], empty: {} };

it('a node in a listing and alone is what its fields say, in every version', async () => {
  await database.source.query(`set timezone to 'Asia/Kathmandu'`);
  await database.source.query(
    `insert into node (uuid, driver, provision_state) values (gen_random_uuid(), 'fake-hardware', 'enroll')`,
  );
  await database.source.query(
    `insert into node (uuid, driver, name, description, owner, maintenance, retired, automated_clean, secure_boot,
        extra, properties, driver_info, instance_info, traits, raid_config, last_error, provision_state,
        target_provision_state, instance_uuid, created_at, updated_at,
        provision_updated_at, inspection_finished_at, reservation, reservation_expires_at)
      values (gen_random_uuid(), 'fake-hardware', 'odd', $1::text, $1::text, true, false, false, true, $2::jsonb, $2::jsonb, $2::jsonb, $2::jsonb, '["CUSTOM_A"]',
        $2::jsonb, $1::text, 'available', null, gen_random_uuid(), '2026-03-29 01:30:00.999999+00',
        '0999-12-31 23:59:59.0004+00', '2026-10-25 00:30:00+00', '2026-01-01', 'somebody', now() + interval '1 hour')`,
    [ODD, JSON.stringify(JSON_VALUE)],
  );
  const nodes = new NodeRepository(database.source, testKeyring());
  for (const version of [1, 2, 5, 14, 37, 44, 52, 61, 75, 82, 87, 95, 109, 115]) {
    const at = api.at(version);
    const { json, headers } = await at.get('/v1/nodes/detail');
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(json.nodes).toHaveLength(2);
    for (const node of json.nodes) {
      const { json: alone } = await at.get(`/v1/nodes/${node.uuid}`);
      const row = await nodes.get(node.uuid);
      const reading = {
        version: new Microversion(version),
        base: api.base,
        steps: new Map(),
        now: Date.now(),
      };
      const shown = JSON.parse(
        JSON.stringify(viewOf(NODE_FIELDS, reading.version, 'whole').show(row, reading)),
      );
      expect(node).toEqual(shown);
      expect(alone).toEqual(shown);
      expect(Object.keys(node)).toEqual(Object.keys(shown));
      expect(Object.keys(alone)).toEqual(Object.keys(shown));
    }
  }
  const fields = 'uuid,extra,reservation,provision_state,provision_updated_at,conductor,traits,description';
  const { json } = await api.get(`/v1/nodes?fields=${fields}&sort_key=created_at&sort_dir=desc`);
  for (const node of json.nodes) {
    expect(node).toEqual((await api.get(`/v1/nodes/${node.uuid}?fields=${fields}`)).json);
  }
  expect(json.nodes.map((node: { description: string }) => node.description)).toEqual([null, ODD]);
});

it('a step under way is shown where its node stands in the listing', async () => {
  await database.source.query(`delete from node`);
  for (const [index, target] of [null, 'active', null, 'active', null].entries()) {
    await database.source.query(
      `insert into node (uuid, driver, name, provision_state, target_provision_state) values (gen_random_uuid(), 'fake-hardware', $1, $2, $3)`,
      [`node-${index}`, target ? 'deploying' : 'enroll', target],
    );
  }
  await database.source.query(
    `with made as (insert into operation (uuid, node_uuid, kind, state, conductor, cursor)
        select gen_random_uuid(), uuid, 'deploy', 'running', 'here', 0 from node where name = 'node-3' returning id)
      insert into operation_step (operation_id, position, interface, name, priority, abortable, rerunnable, visible, agent, state)
        select id, 0, 'deploy', 'write_image', 80, false, true, true, false, 'running' from made`,
  );
  const { json } = await api.get('/v1/nodes?fields=name,deploy_step&limit=5');
  expect(json.nodes.map((node: { name: string }) => node.name)).toEqual(
    [0, 1, 2, 3, 4].map((n) => `node-${n}`),
  );
  expect(json.nodes[3].deploy_step).toMatchObject({ step: 'write_image', interface: 'deploy' });
  expect(json.nodes[1].deploy_step).toEqual({});
  expect(json.next).toContain('limit=5&marker=');
});

it('listings of many lengths, asked for at once and by clients that leave, do not mix', async () => {
  await database.source.query(`delete from operation`);
  await database.source.query(`delete from node`);
  await database.source.query(
    `insert into node (uuid, driver, provision_state, name, extra) select gen_random_uuid(), 'fake-hardware', 'enroll', 'n' || i,
        jsonb_build_object('text', repeat(chr(97 + i % 26), 2000)) from generate_series(0, 149) as i`,
  );
  const length = async (limit: number) => {
    const { json } = await api.get(`/v1/nodes/detail?limit=${limit}&sort_key=id`);
    for (const [index, node] of json.nodes.entries()) {
      expect(node.name).toBe(`n${index}`);
      expect(node.extra.text).toBe(String.fromCharCode(97 + (index % 26)).repeat(2000));
    }
    return json.nodes.length;
  };
  const limits = Array.from({ length: 16 }, (_, index) => ((index * 37) % 149) + 1);
  const leave = (_: number, index: number) =>
    fetch(`${api.base}/v1/nodes/detail`, { signal: AbortSignal.timeout(index) })
      .then((answer) => answer.text())
      .then(
        () => 'stayed',
        () => 'left',
      );
  const [lengths, others] = await Promise.all([
    Promise.all(limits.map(length)),
    Promise.all(limits.map(leave)),
  ]);
  expect(lengths).toEqual(limits);
  expect(others).toContain('left');
});
