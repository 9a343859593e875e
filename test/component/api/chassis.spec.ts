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
beforeEach(() => database.source.query('truncate chassis, node cascade'));
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

const NIL = '00000000-0000-0000-0000-000000000000';
const create = async (body: object = {}) => {
  const answer = await api.post('/v1/chassis', body);
  expect([answer.status, answer.fault]).toEqual([201, '']);
  return answer.json;
};
const createNode = async (chassis_uuid: string | null) =>
  (await api.post('/v1/nodes', { driver: 'fake-hardware', chassis_uuid })).json;

describe('/v1/chassis', () => {
  it('creates: answers the whole chassis in every version', async () => {
    for (const version of [1, 115]) {
      const answer = await api.at(version).post('/v1/chassis', { description: 'rack 1', extra: { a: [1] } });
      const { uuid } = answer.json;
      expect(answer.headers.get('location')).toBe(`${api.base}/v1/chassis/${uuid}`);
      expect(answer.json).toEqual({
        uuid,
        created_at: expect.stringMatching(/^\d{4}-.*\+00:00$/),
        updated_at: null,
        description: 'rack 1',
        extra: { a: [1] },
        links: [
          { href: `${api.base}/v1/chassis/${uuid}`, rel: 'self' },
          { href: `${api.base}/chassis/${uuid}`, rel: 'bookmark' },
        ],
        nodes: [
          { href: `${api.base}/v1/chassis/${uuid}/nodes`, rel: 'self' },
          { href: `${api.base}/chassis/${uuid}/nodes`, rel: 'bookmark' },
        ],
      });
      expect((await api.get(`/v1/chassis/${uuid}`)).json).toEqual(answer.json);
    }
    expect((await create({ uuid: NIL })).uuid).toBe(NIL);
    const again = await api.post('/v1/chassis', { uuid: NIL });
    expect([again.status, again.fault]).toEqual([409, `A chassis with UUID ${NIL} already exists.`]);
  });
  it.each<[object, string]>([
    [{ description: 'x'.repeat(256) }, 'is too long'],
    [{ description: 1 }, "1 is not of type 'string', 'null'"],
    [{ extra: [] }, "a list is not of type 'object', 'null'"],
    [{ uuid: 'x' }, 'Expected UUID for uuid: x'],
    [{ name: 'x' }, "Additional properties are not allowed ('name' was unexpected)"],
  ])('refuses %j', async (body, fault) => {
    const answer = await api.post('/v1/chassis', body);
    expect([answer.status, answer.fault]).toEqual([400, expect.stringContaining(fault)]);
  });
  it('lists and pages', async () => {
    const all = [await create({ description: 'b' }), await create({ description: 'a' }), await create()];
    expect(Object.keys((await api.get('/v1/chassis')).json.chassis[0])).toEqual([
      'uuid',
      'description',
      'links',
    ]);
    const first = (await api.get('/v1/chassis?limit=2&sort_key=description')).json;
    expect(first.next).toBe(
      `${api.base}/v1/chassis?sort_key=description&sort_dir=asc&limit=2&marker=${all[0].uuid}`,
    );
    const rest = (await api.get(first.next.slice(api.base.length))).json;
    const found = [...first.chassis, ...rest.chassis].map((row: { uuid: string }) => row.uuid);
    expect(found).toEqual([all[1].uuid, all[0].uuid, all[2].uuid]);
    expect((await api.get('/v1/chassis?detail=true')).json.chassis).toEqual(all);
    expect((await api.at(1).get('/v1/chassis/detail')).json.chassis).toEqual(all);
    expect((await api.get('/v1/chassis?fields=nodes')).json.chassis[0]).toEqual({
      nodes: all[0].nodes,
      links: all[0].links,
    });
    for (const [query, fault, status] of [
      ['sort_key=extra', 'The sort_key value extra is an invalid field for sorting', 400],
      ['fields=nosuch', 'Field(s) "nosuch" are not valid', 400],
      [`marker=${NIL}`, `Chassis ${NIL} could not be found.`, 404],
      ['limit=0', 'Limit must be positive', 400],
      ['nosuch=1', 'Unexpected arguments: nosuch', 400],
    ] as const) {
      const answer = await api.get(`/v1/chassis?${query}`);
      expect([answer.status, answer.fault]).toEqual([status, fault]);
    }
    expect((await api.at(7).get('/v1/chassis?fields=uuid')).status).toBe(406);
  });
  it('patches', async () => {
    const { uuid } = await create({ description: 'old', extra: { a: 1 } });
    const patch = (...operations: object[]) => api.patch(`/v1/chassis/${uuid}`, operations);
    const answer = await patch(
      { op: 'replace', path: '/description', value: 'new' },
      { op: 'add', path: '/extra/b', value: 2 },
      { op: 'remove', path: '/extra/a' },
    );
    expect(answer.json).toMatchObject({ description: 'new', extra: { b: 2 } });
    expect((await patch({ op: 'remove', path: '/description' })).json.description).toBeNull();
    for (const [operation, fault] of [
      [{ op: 'replace', path: '/uuid', value: NIL }, 'Cannot overwrite UUID for an existing Chassis.'],
      [{ op: 'replace', path: '/created_at', value: 1 }, 'Cannot patch /created_at'],
      [{ op: 'remove', path: '/extra/nosuch' }, "can't remove a non-existent object 'nosuch'"],
      [{ op: 'replace', path: '/extra', value: 'x' }, "is not of type 'object', 'null'"],
    ] as const) {
      const refused = await patch(operation);
      expect([refused.status, refused.fault]).toEqual([400, expect.stringContaining(fault)]);
    }
    expect((await api.get(`/v1/chassis/${uuid}`)).json.extra).toEqual({ b: 2 });
    expect((await api.patch(`/v1/chassis/${NIL}`, [])).status).toBe(404);
    expect((await api.patch('/v1/chassis/x', [])).fault).toBe('Chassis x could not be found.');
    expect((await api.get('/v1/chassis/x')).fault).toBe('Expected UUID for chassis_uuid: x');
  });
});

describe('nodes in chassis', () => {
  it('are listed by it', async () => {
    const { uuid } = await create();
    const node = await createNode(uuid);
    await createNode(null);
    expect(node.chassis_uuid).toBe(uuid);
    for (const path of [
      `/v1/nodes?chassis_uuid=${uuid}&limit=1`,
      `/v1/chassis/${uuid}/nodes`,
      `/v1/chassis/${uuid}/nodes/detail`,
    ]) {
      const { nodes } = (await api.get(path)).json;
      expect(nodes.map((row: { uuid: string }) => row.uuid)).toEqual([node.uuid]);
    }
    expect((await api.get(`/v1/chassis/${uuid}/nodes?limit=1`)).json.next).toContain(
      `/v1/chassis/${uuid}/nodes?`,
    );
    expect((await api.get(`/v1/chassis/${NIL}/nodes`)).fault).toBe(`Chassis ${NIL} could not be found.`);
  });
  it('keep it from being deleted', async () => {
    const { uuid } = await create();
    const node = await createNode(uuid);
    const refused = await api.delete(`/v1/chassis/${uuid}`);
    expect([refused.status, refused.fault]).toEqual([
      400,
      `Cannot complete the requested action because chassis ${uuid} contains nodes.`,
    ]);
    const remove = (version: number) =>
      api.at(version).patch(`/v1/nodes/${node.uuid}`, [{ op: 'remove', path: '/chassis_uuid' }]);
    expect((await remove(24)).status).toBe(406);
    expect((await remove(25)).json.chassis_uuid).toBeNull();
    expect((await api.delete(`/v1/chassis/${uuid}`)).status).toBe(204);
    expect((await api.delete(`/v1/chassis/${uuid}`)).status).toBe(404);
  });
  it('are moved between those that are there', async () => {
    const { uuid } = await create();
    const node = await createNode(null);
    const move = (to: string) =>
      api.patch(`/v1/nodes/${node.uuid}`, [{ op: 'add', path: '/chassis_uuid', value: to }]);
    expect((await move(uuid)).json.chassis_uuid).toBe(uuid);
    const refused = await move(NIL);
    expect([refused.status, refused.fault]).toEqual([400, `Chassis ${NIL} could not be found.`]);
    expect((await move('x')).fault).toBe('Expected UUID for chassis_uuid: x');
  });
});
