import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
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
beforeEach(() => database.source.query('truncate allocation, node cascade'));
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

const free = async (body: object = {}) => {
  const node = (await api.post('/v1/nodes', { driver: 'fake-hardware', resource_class: 'metal', ...body }))
    .json;
  await database.source.query(
    `update node set provision_state = 'available', power_state = 'power off' where uuid = $1`,
    [node.uuid],
  );
  return node.uuid as string;
};
const create = async (body: object = {}) => {
  const answer = await api.post('/v1/allocations', { resource_class: 'metal', ...body });
  expect([answer.status, answer.fault]).toEqual([201, '']);
  return answer.json;
};
const decided = async (ident: string) => {
  for (const end = performance.now() + 20_000; performance.now() < end; await sleep(10)) {
    const { json } = await api.get(`/v1/allocations/${ident}`);
    if (json.state !== 'allocating') return json;
  }
  throw new Error('the allocation stays undecided');
};

describe('POST /v1/allocations', () => {
  it('answers at once, the node comes behind', async () => {
    const node = await free();
    const answer = await api.post('/v1/allocations', {
      name: 'a1',
      resource_class: 'metal',
      extra: { a: 1 },
    });
    const { uuid } = answer.json;
    expect(answer.status).toBe(201);
    expect(answer.headers.get('location')).toBe(`${api.base}/v1/allocations/${uuid}`);
    expect(answer.json).toEqual({
      uuid,
      created_at: expect.stringMatching(/^\d{4}-.*\+00:00$/),
      updated_at: null,
      candidate_nodes: [],
      extra: { a: 1 },
      last_error: null,
      name: 'a1',
      node_uuid: null,
      owner: null,
      resource_class: 'metal',
      state: 'allocating',
      traits: [],
      links: [
        { href: `${api.base}/v1/allocations/${uuid}`, rel: 'self' },
        { href: `${api.base}/allocations/${uuid}`, rel: 'bookmark' },
      ],
    });
    expect(await decided('a1')).toMatchObject({ uuid, state: 'active', node_uuid: node });
    expect((await api.get(`/v1/nodes/${node}`)).json).toMatchObject({
      allocation_uuid: uuid,
      instance_uuid: uuid,
      instance_info: { traits: [] },
    });
    expect((await api.at(51).get(`/v1/nodes/${node}`)).json).not.toHaveProperty('allocation_uuid');
    expect((await api.get('/v1/nodes?fields=allocation_uuid')).json.nodes[0].allocation_uuid).toBe(uuid);
  });
  it('takes candidates by uuid and name, in their order', async () => {
    const [a, b] = [await free({ name: 'a' }), await free({ name: 'b' })];
    const { candidate_nodes } = await create({ candidate_nodes: ['b', a] });
    expect(candidate_nodes).toEqual([b, a]);
  });
  it.each([
    [{ resource_class: null }, 'The resource_class field is mandatory when not backfilling'],
    [{ resource_class: 'x'.repeat(81) }, 'is too long'],
    [{ name: 'a b' }, "Cannot create allocation with invalid name 'a b'"],
    [{ uuid: 'x' }, 'Expected UUID for uuid: x'],
    [{ candidate_nodes: ['nosuch', 'a b'] }, 'Nodes cannot be found: nosuch, a b'],
    [{ candidate_nodes: 'x' }, "is not of type 'array'"],
    [{ candidate_nodes: [1] }, "is not of type 'string'"],
    [{ traits: ['nosuch'] }, "'nosuch' is not valid under any of the given schemas"],
    [{ node: 'nosuch' }, 'Node nosuch could not be found.'],
    [{ node: 5 }, "node is not of type 'string'"],
    [{ state: 'active' }, "('state' was unexpected)"],
  ])('refuses %j', async (body, fault) => {
    const answer = await api.post('/v1/allocations', { resource_class: 'metal', ...body });
    expect(answer.fault).toContain(fault);
    expect(answer.status).toBe(400);
    expect((await api.get('/v1/allocations')).json.allocations).toEqual([]);
  });
  it('refuses what is taken', async () => {
    const { uuid } = await create({ name: 'a1' });
    for (const body of [{ name: 'a1' }, { uuid }]) {
      const answer = await api.post('/v1/allocations', { resource_class: 'metal', ...body });
      expect(answer.status).toBe(409);
      expect(answer.fault).toBe(
        'name' in body
          ? 'An allocation with name a1 already exists.'
          : `An allocation with UUID ${uuid} already exists.`,
      );
    }
  });
  it('writes one behind a node in use from 1.58', async () => {
    const instance_uuid = randomUUID();
    const node = await free({ name: 'used', instance_uuid });
    const body = { node: 'used' };
    expect((await api.at(57).post('/v1/allocations', body)).fault).toBe(
      'Cannot set node when creating an allocation in this API version',
    );
    const early = await api.at(58).post('/v1/allocations', { ...body, name: 'early' });
    expect([early.status, early.fault]).toEqual([
      409,
      expect.stringContaining('Node must be in the "active" state'),
    ]);
    expect((await api.get('/v1/allocations/early')).json.state).toBe('error');
    await api.delete('/v1/allocations/early');
    await database.source.query(`update node set provision_state = 'active'`);
    const answer = await api.at(58).post('/v1/allocations', body);
    expect(answer.json).toMatchObject({
      uuid: instance_uuid,
      state: 'active',
      node_uuid: node,
      resource_class: 'metal',
    });
    expect(answer.json).not.toHaveProperty('owner');
  });
});

describe('GET /v1/allocations', () => {
  it('lists with all fields, filters, pages', async () => {
    const node = await free();
    const first = await create({ name: 'a', owner: 'me' });
    await decided('a');
    await create({ name: 'b', resource_class: 'other' });
    await decided('b');
    const list = async (query = '') => (await api.get(`/v1/allocations${query}`)).json;
    const names = async (query: string) =>
      (await list(query)).allocations.map((one: { name: string }) => one.name);
    await database.source.query(`update allocation set owner = 'me' where name = 'a'`);
    expect((await list()).allocations.map((one: object) => Object.keys(one).length)).toEqual([13, 13]);
    expect((await api.get('/v1/allocations?node=nosuch')).status).toBe(400);
    expect(first.name).toBe('a');
    await database.source.query(`update allocation set node_uuid = $1, state = 'active' where name = 'a'`, [
      node,
    ]);
    for (const [query, found] of [
      [`?node=${node}`, ['a']],
      ['?resource_class=other', ['b']],
      ['?state=active', ['a']],
      ['?state=error', ['b']],
      ['?owner=me', ['a']],
      ['?owner=you', []],
      ['?sort_key=name&sort_dir=desc', ['b', 'a']],
    ] as const) {
      expect([query, await names(query)]).toEqual([query, found]);
    }
    const page = await list('?limit=1&state=active&fields=name');
    expect(page.next).toMatch(/\/v1\/allocations\?.*state=active.*limit=1&marker=/);
    expect(Object.keys(page.allocations[0])).toEqual(['name', 'links']);
    expect((await api.get(page.next.slice(api.base.length))).json).toEqual({ allocations: [] });
    for (const [query, status] of [
      ['?sort_key=extra', 400],
      ['?sort_key=node_uuid', 400],
      ['?detail=true', 400],
      ['?fields=nosuch', 400],
      ['?limit=0', 400],
      ['?marker=x', 400],
      [`?marker=${randomUUID()}`, 404],
    ] as const) {
      expect([query, (await api.get(`/v1/allocations${query}`)).status]).toEqual([query, status]);
    }
    expect((await api.at(59).get('/v1/allocations?fields=owner')).status).toBe(406);
    expect((await api.at(59).get('/v1/allocations?owner=me')).status).toBe(406);
    expect((await api.at(59).get('/v1/allocations')).json.allocations[0]).not.toHaveProperty('owner');
  });
  it('comes by versions', async () => {
    const { uuid } = await create();
    const old = api.at(51);
    expect((await old.get('/v1/allocations')).status).toBe(404);
    expect((await old.get(`/v1/allocations/${uuid}`)).status).toBe(404);
    expect((await old.post('/v1/allocations', { resource_class: 'x' })).status).toBe(405);
    expect((await old.delete(`/v1/allocations/${uuid}`)).status).toBe(405);
    expect((await api.at(56).patch(`/v1/allocations/${uuid}`, [])).status).toBe(405);
    expect((await api.at(52).get('/v1/allocations')).status).toBe(200);
    expect((await api.get('/v1/allocations/nosuch')).fault).toBe('Allocation nosuch could not be found.');
    expect((await api.get('/v1/allocations/a%20b')).status).toBe(400);
  });
});

describe('PATCH and DELETE /v1/allocations/{ident}', () => {
  it('change name and extra alone', async () => {
    const { uuid } = await create({ name: 'a' });
    await create({ name: 'b' });
    const patch = (op: object) => api.at(57).patch(`/v1/allocations/${uuid}`, [op]);
    expect((await patch({ op: 'replace', path: '/name', value: 'c' })).json.name).toBe('c');
    expect((await patch({ op: 'add', path: '/extra/k', value: 1 })).json).toMatchObject({
      name: 'c',
      extra: { k: 1 },
      updated_at: expect.any(String),
    });
    expect((await patch({ op: 'remove', path: '/name' })).json.name).toBeNull();
    for (const [op, status, fault] of [
      [{ op: 'replace', path: '/name', value: 'b' }, 409, 'An allocation with name b already exists.'],
      [
        { op: 'replace', path: '/name', value: 'a b' },
        400,
        "Cannot update allocation with invalid name 'a b'",
      ],
      [
        { op: 'replace', path: '/state', value: 'x' },
        400,
        'Cannot patch /state. Only the following can be updated',
      ],
      [{ op: 'replace', path: '/owner', value: 'x' }, 400, 'Cannot patch /owner'],
    ] as const) {
      const answer = await patch(op);
      expect([answer.status, answer.fault]).toEqual([status, expect.stringContaining(fault)]);
    }
  });
  it('delete it, but not under an active node', async () => {
    const node = await free();
    const { uuid } = await create({ name: 'a' });
    await decided(uuid);
    await database.source.query(`update node set provision_state = 'active'`);
    expect((await api.delete('/v1/allocations/a')).status).toBe(409);
    await database.source.query(`update node set provision_state = 'available'`);
    expect((await api.delete('/v1/allocations/a')).status).toBe(204);
    expect((await api.get('/v1/allocations/a')).status).toBe(404);
    expect((await api.get(`/v1/nodes/${node}`)).json).toMatchObject({
      allocation_uuid: null,
      instance_uuid: null,
    });
  });
});

describe('/v1/nodes/{ident}/allocation', () => {
  it('shows and deletes the allocation of a node', async () => {
    const node = await free({ name: 'n' });
    const none = await api.get('/v1/nodes/n/allocation');
    expect([none.status, none.fault]).toEqual([404, 'Allocation for node n was not found']);
    expect((await api.delete('/v1/nodes/n/allocation')).status).toBe(404);
    expect((await api.get('/v1/nodes/nosuch/allocation')).status).toBe(400);
    expect((await api.delete('/v1/nodes/nosuch/allocation')).status).toBe(404);
    const { uuid } = await create();
    const shown = await decided(uuid);
    expect((await api.get('/v1/nodes/n/allocation')).json).toEqual(shown);
    expect((await api.get(`/v1/nodes/${node}/allocation?fields=uuid`)).json).toEqual({
      uuid,
      links: shown.links,
    });
    expect((await api.at(51).get('/v1/nodes/n/allocation')).status).toBe(404);
    expect((await api.delete('/v1/nodes/n/allocation')).status).toBe(204);
    expect((await api.get(`/v1/allocations/${uuid}`)).status).toBe(404);
  });
});

describe('a node with an allocation', () => {
  const patch = (node: string, op: object) => api.patch(`/v1/nodes/${node}`, [op]);
  it('loses it with its instance, where that may be taken away', async () => {
    const node = await free();
    const { uuid } = await create();
    await decided(uuid);
    await database.source.query(`update node set provision_state = 'active'`);
    const refused = await patch(node, { op: 'remove', path: '/instance_uuid' });
    expect([refused.status, refused.fault]).toEqual([
      409,
      expect.stringContaining(`Node ${node} with an allocation can not have instance_uuid removed unless`),
    ]);
    await database.source.query(`update node set provision_state = 'available'`);
    expect((await patch(node, { op: 'remove', path: '/instance_uuid' })).json).toMatchObject({
      instance_uuid: null,
      allocation_uuid: null,
    });
    expect((await api.get(`/v1/allocations/${uuid}`)).status).toBe(404);
  });
  it('keeps its owner while the allocation has one', async () => {
    const node = await free({ owner: 'me' });
    const { uuid } = await create({ owner: 'me' });
    await decided(uuid);
    const answer = await patch(node, { op: 'replace', path: '/owner', value: 'you' });
    expect([answer.status, answer.fault]).toEqual([
      409,
      `Cannot update owner of node "${node}" while it is allocated to an allocation with an  owner.`,
    ]);
  });
});
