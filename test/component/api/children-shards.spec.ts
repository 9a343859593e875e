import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { PAGE } from '../../../src/database/read-pages.js';
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
beforeEach(() => database.source.query('truncate node cascade'));
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});
const create = async (body: object = {}) => {
  const answer = await api.post('/v1/nodes', { driver: 'fake-hardware', ...body });
  expect([answer.status, answer.fault]).toEqual([201, '']);
  return answer.json.uuid as string;
};

it('a node’s children are listed by uuid, with where to look for more', async () => {
  const parent = await create({ name: 'parent' });
  const children = [await create({ parent_node: 'parent' }), await create({ parent_node: parent })];
  const links = { href: `${api.base}/v1/nodes?parent_node=${parent}`, rel: 'children' };
  expect((await api.get('/v1/nodes/parent/children')).json).toEqual({ children, links });
  const found = (await api.get(links.href.slice(api.base.length))).json.nodes;
  expect(found.map(({ uuid }: { uuid: string }) => uuid)).toEqual(children);
  expect((await api.get(`/v1/nodes/${children[0]}/children`)).json.children).toEqual([]);
  expect((await api.get('/v1/nodes/nosuch/children')).status).toBe(404);
  expect((await api.at(82).get('/v1/nodes/parent/children')).status).toBe(404);
  expect((await api.at(82).get('/v1/nodes/parent')).json.parent_node).toBeUndefined();
});

it('children are listed whole, also beyond one page of the database', async () => {
  const parent = await create({ name: 'parent' });
  await database.source.query(
    `insert into node (uuid, driver, provision_state, parent_node)
     select gen_random_uuid(), 'fake-hardware', 'enroll', $1 from generate_series(1, $2::int)`,
    [parent, 2 * PAGE + 1],
  );
  const { children } = (await api.get('/v1/nodes/parent/children')).json;
  expect(new Set(children).size).toBe(2 * PAGE + 1);
}, 60_000);

it('shards are counted, the largest first', async () => {
  expect((await api.get('/v1/shards')).json).toEqual({ shards: [] });
  for (const shard of ['a', 'a', 'b', 'b', 'b', null, null]) await create({ shard });
  expect((await api.get('/v1/shards')).json).toEqual({
    shards: [
      { name: 'b', count: 3 },
      { name: 'None', count: 2 },
      { name: 'a', count: 2 },
    ],
  });
  expect((await api.at(81).get('/v1/shards')).status).toBe(404);
  expect((await api.get('/v1/shards/a')).status).toBe(404);
  expect((await api.get('/v1/shards?limit=1')).status).toBe(400);
});

it('an instance’s traits must be its node’s', async () => {
  const uuid = await create({ name: 'n', instance_info: { traits: ['CUSTOM_A', 'CUSTOM_B'] } });
  await database.source.query(`update node set provision_state = 'available', power_state = 'power off'`);
  await api.send('PUT', '/v1/nodes/n/traits/CUSTOM_A');
  const fault = `Cannot specify instance traits that are not also set on the node. Node ${uuid} is missing traits CUSTOM_B`;
  expect((await api.get('/v1/nodes/n/validate')).json.deploy).toEqual({ result: false, reason: fault });
  const deploy = () => api.put('/v1/nodes/n/states/provision', { target: 'active' });
  const refused = await deploy();
  expect([refused.status, refused.fault]).toEqual([
    400,
    `Failed to validate deploy or power info for node ${uuid}: ${fault}`,
  ]);
  await api.send('PUT', '/v1/nodes/n/traits/CUSTOM_B');
  expect((await api.get('/v1/nodes/n/validate')).json.deploy).toEqual({ result: true });
  expect((await deploy()).status).toBe(202);
  await server.settle(uuid, 'active');
});
