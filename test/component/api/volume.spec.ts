import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ApiClient, startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let api: ApiClient;
let node: string;
let other: string;
beforeAll(async () => {
  database = await startTestDatabase();
  server = await startApi(database);
  api = server.api;
});
beforeEach(async () => {
  await database.source.query('truncate node cascade');
  const create = async (body: object) =>
    (await api.post('/v1/nodes', { driver: 'fake-hardware', ...body })).json.uuid;
  node = await create({ name: 'n' });
  other = await create({ name: 'other' });
  await database.source.query(`update node set power_state = 'power off'`);
});
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

const NIL = '00000000-0000-0000-0000-000000000000';
const CONNECTORS = '/v1/volume/connectors';
const TARGETS = '/v1/volume/targets';
let last = 0;
const bodies = {
  [CONNECTORS]: () => ({ node_uuid: node, type: 'iqn', connector_id: `iqn.2026-11.org:${last++}` }),
  [TARGETS]: () => ({ node_uuid: node, volume_type: 'iscsi', volume_id: 'v', boot_index: last++ }),
};
const create = async (path: keyof typeof bodies, body: object = {}) => {
  const answer = await api.post(path, { ...bodies[path](), ...body });
  expect([answer.status, answer.fault]).toEqual([201, '']);
  return answer.json;
};
const uuids = (rows: { uuid: string }[]) => rows.map(({ uuid }) => uuid);
const KINDS = [
  [CONNECTORS, 'connector', 'connectors'],
  [TARGETS, 'target', 'targets'],
] as const;

it('/v1/volume and a node’s say where volumes are', async () => {
  const links = (path: string) => [
    { href: `${api.base}/v1/${path}`, rel: 'self' },
    { href: `${api.base}/${path}`, rel: 'bookmark' },
  ];
  for (const path of ['volume', 'nodes/n/volume']) {
    expect((await api.get(`/v1/${path}`)).json).toEqual({
      links: links(`${path}/`),
      connectors: links(`${path}/connectors`),
      targets: links(`${path}/targets`),
    });
    expect((await api.at(31).get(`/v1/${path}`)).status).toBe(404);
  }
});

describe('volumes', () => {
  it('are answered whole', async () => {
    const connector = await create(CONNECTORS, { connector_id: 'wwn', extra: { a: 1 } });
    const own = (path: string, { uuid }: { uuid: string }) => ({
      uuid,
      created_at: expect.stringMatching(/^\d{4}-.*\+00:00$/),
      updated_at: null,
      node_uuid: node,
      links: [
        { href: `${api.base}${path}/${uuid}`, rel: 'self' },
        { href: `${api.base}${path.slice(3)}/${uuid}`, rel: 'bookmark' },
      ],
    });
    expect(connector).toEqual({
      ...own(CONNECTORS, connector),
      type: 'iqn',
      connector_id: 'wwn',
      extra: { a: 1 },
    });
    const answer = await api.post(TARGETS, { ...bodies[TARGETS](), boot_index: 0, properties: { lun: 1 } });
    expect(answer.headers.get('location')).toBe(`${api.base}${TARGETS}/${answer.json.uuid}`);
    expect(answer.json).toEqual({
      ...own(TARGETS, answer.json),
      volume_type: 'iscsi',
      volume_id: 'v',
      boot_index: 0,
      properties: { lun: 1 },
      extra: {},
    });
    expect((await api.at(32).get(`${TARGETS}/${answer.json.uuid}`)).json).toEqual(answer.json);
    expect((await api.at(31).get(`${TARGETS}/${answer.json.uuid}`)).status).toBe(404);
  });
  it('show secrets as ****** and keep them sealed', async () => {
    const target = await create(TARGETS, { properties: { auth_password: 'canary', target_lun: 1 } });
    const path = `${TARGETS}/${target.uuid}`;
    expect(target.properties).toEqual({ auth_password: '******', target_lun: 1 });
    const patched = await api.patch(path, [{ op: 'replace', path: '/properties/target_lun', value: 2 }]);
    expect(patched.json.properties).toEqual({ auth_password: '******', target_lun: 2 });
    const [row] = await database.source.query('select * from volume_target');
    expect(JSON.stringify(row)).not.toContain('canary');
    const repository = server.parts.targets;
    expect(repository.clear(await repository.get(target.uuid)).properties).toEqual({
      auth_password: 'canary',
      target_lun: 2,
    });
  });
  it.each<[keyof typeof bodies, object, string]>([
    [CONNECTORS, { type: undefined }, "Schema error for connector: 'type' is a required property"],
    [CONNECTORS, { connector_id: 1 }, "1 is not of type 'string'"],
    [CONNECTORS, { node_uuid: NIL }, `Invalid input for field/attribute node_uuid. Value: '${NIL}'. `],
    [CONNECTORS, { node_uuid: 'n' }, 'Expected UUID for node_uuid: n'],
    [CONNECTORS, { properties: {} }, "('properties' was unexpected)"],
    [TARGETS, { boot_index: undefined }, "Schema error for target: 'boot_index' is a required property"],
    [TARGETS, { boot_index: '0' }, "'0' is not of type 'integer'"],
    [TARGETS, { boot_index: 2 ** 31 }, 'is out of range'],
    [TARGETS, { node_uuid: NIL }, `Invalid input for field/attribute node_uuid. Value: '${NIL}'. `],
    [TARGETS, { properties: [] }, "a list is not of type 'object', 'null'"],
  ])('are refused: %s %j', async (path, body, fault) => {
    const answer = await api.post(path, { ...bodies[path](), ...body });
    expect([answer.status, answer.fault]).toEqual([400, expect.stringContaining(fault)]);
  });
  it('are unique', async () => {
    const connector = await create(CONNECTORS, { connector_id: 'a' });
    const target = await create(TARGETS, { boot_index: 1000 });
    await create(TARGETS, { boot_index: 1000, node_uuid: other });
    const spare = await create(TARGETS);
    for (const [answer, fault] of [
      [
        await api.post(CONNECTORS, { ...bodies[CONNECTORS](), node_uuid: other, connector_id: 'a' }),
        'A volume connector with type iqn and connector ID a already exists.',
      ],
      [
        await api.post(CONNECTORS, { ...bodies[CONNECTORS](), uuid: connector.uuid }),
        `A volume connector with UUID ${connector.uuid} already exists.`,
      ],
      [
        await api.patch(`${TARGETS}/${spare.uuid}`, [{ op: 'replace', path: '/boot_index', value: 1000 }]),
        "A volume target with boot index '1000' for the same node already exists.",
      ],
      [
        await api.post(TARGETS, { ...bodies[TARGETS](), uuid: target.uuid }),
        `A volume target with UUID ${target.uuid} already exists.`,
      ],
    ] as const) {
      expect([answer.status, answer.fault]).toEqual([409, fault]);
    }
  });
  it.each(KINDS)('are listed: %s', async (path, _kind, key) => {
    const mine = [await create(path), await create(path)];
    const theirs = await create(path, { node_uuid: other });
    const found = async (url: string) => uuids((await api.get(url)).json[key]);
    expect(await found(path)).toEqual(uuids([...mine, theirs]));
    for (const url of [`${path}?node=n`, `${path}?node=${node}`, `/v1/nodes/n/volume/${key}`]) {
      expect(await found(url)).toEqual(uuids(mine));
    }
    const first = (await api.get(`/v1/nodes/n/volume/${key}?limit=1`)).json;
    expect(first.next).toContain(`/v1/nodes/n/volume/${key}?`);
    expect(await found(first.next.slice(api.base.length))).toEqual([mine[1].uuid]);
    expect((await api.at(32).get(`${path}?detail=true`)).json[key][0]).toEqual(mine[0]);
    expect((await api.get(`${path}?fields=extra`)).json[key][0]).toEqual({ extra: {}, links: mine[0].links });
    for (const [query, status, fault] of [
      ['fields=extra&detail=true', 400, "Can't fetch a subset of fields with 'detail' set"],
      ['sort_key=extra', 400, 'The sort_key value extra is an invalid field for sorting'],
      ['node=nosuch', 404, 'Node nosuch could not be found.'],
      [`marker=${NIL}`, 404, 'could not be found.'],
    ] as const) {
      const answer = await api.get(`${path}?${query}`);
      expect([answer.status, answer.fault]).toEqual([status, expect.stringContaining(fault)]);
    }
  });
  it('show four fields or five in a listing', async () => {
    await create(CONNECTORS);
    await create(TARGETS);
    const names = async (path: string, key: string) =>
      Object.keys((await api.get(path)).json[key][0]).toSorted();
    expect(await names(CONNECTORS, 'connectors')).toEqual([
      'connector_id',
      'links',
      'node_uuid',
      'type',
      'uuid',
    ]);
    expect(await names(TARGETS, 'targets')).toEqual([
      'boot_index',
      'links',
      'node_uuid',
      'uuid',
      'volume_id',
      'volume_type',
    ]);
  });
  it.each(KINDS)('change only while their node is off: %s', async (path, kind) => {
    const { uuid } = await create(path);
    const note = [{ op: 'add', path: '/extra/a', value: 1 }];
    expect((await api.patch(`${path}/${uuid}`, note)).json.extra).toEqual({ a: 1 });
    const set = (columns: string) => database.source.query(`update node set ${columns}`);
    const fault = (action: string, state: string) =>
      `The requested action "volume ${kind} ${action}" can not be performed on node "${node}" while it is in state "${state}".`;
    const to = (await api.post('/v1/nodes', { driver: 'fake-hardware' })).json.uuid;
    const move = await api.patch(`${path}/${uuid}`, [{ op: 'replace', path: '/node_uuid', value: to }]);
    expect([move.status, move.fault]).toEqual([400, fault('update', 'None').replace(node, to)]);
    expect((await api.get(`${path}/${uuid}`)).json.node_uuid).toBe(node);
    await set(`power_state = 'power on', provision_state = 'active'`);
    const update = await api.patch(`${path}/${uuid}`, note);
    expect([update.status, update.fault]).toEqual([400, fault('update', 'power on')]);
    const deletion = await api.delete(`${path}/${uuid}`);
    expect([deletion.status, deletion.fault]).toEqual([400, fault('deletion', 'power on')]);
    await set(`power_state = null, provision_state = 'manageable'`);
    expect((await api.patch(`${path}/${uuid}`, note)).fault).toBe(fault('update', 'None'));
    await set(`reservation = 'c7', reservation_expires_at = now() + interval '1 minute'`);
    expect((await api.delete(`${path}/${uuid}`)).fault).toContain('is locked by host c7');
    await set(`reservation = null, reservation_expires_at = null`);
    expect((await api.delete(`${path}/${uuid}`)).status).toBe(204);
    const gone = await api.delete(`${path}/${uuid}`);
    expect([gone.status, gone.fault]).toEqual([404, `Volume ${kind} ${uuid} could not be found.`]);
  });
  it.each(KINDS)('move to a node that is there, and keep their uuid: %s', async (path) => {
    const { uuid } = await create(path);
    const patch = (operation: object) => api.patch(`${path}/${uuid}`, [operation]);
    const move = (value: unknown) => patch({ op: 'replace', path: '/node_uuid', value });
    expect((await move(other)).json.node_uuid).toBe(other);
    expect((await move('n')).fault).toBe('Expected a UUID for node_uuid, but received n.');
    expect((await move(NIL)).fault).toContain(`Unable to apply the requested node_uuid '${NIL}'`);
    expect((await patch({ op: 'replace', path: '/uuid', value: NIL })).fault).toContain('Cannot patch /uuid');
    expect((await api.delete(`/v1/nodes/${other}`)).status).toBe(204);
    expect((await api.get(`${path}/${uuid}`)).status).toBe(404);
  });
});
