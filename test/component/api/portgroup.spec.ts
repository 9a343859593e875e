import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PORTGROUP_FIELDS } from '../../../src/api/v1/portgroup/fields.js';
import { type ApiClient, startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let api: ApiClient;
let node: string;
let other: string;
beforeAll(async () => {
  database = await startTestDatabase();
  server = await startApi(database, { groups: ['g'] });
  api = server.api;
});
beforeEach(async () => {
  await database.source.query('truncate node cascade');
  const create = async (body: object) =>
    (await api.post('/v1/nodes', { driver: 'fake-hardware', ...body })).json.uuid;
  node = await create({ name: 'n' });
  other = await create({ name: 'other', shard: 's', conductor_group: 'g' });
});
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

const NIL = '00000000-0000-0000-0000-000000000000';
const MAC = '52:54:00:aa:bb:01';
let last = 0;
const made = async (path: string, body: object) => {
  const answer = await api.post(path, body);
  expect([answer.status, answer.fault]).toEqual([201, '']);
  return answer.json;
};
const create = (body: object = {}) => made('/v1/portgroups', { node_uuid: node, ...body });
const createPort = (body: object = {}) =>
  made('/v1/ports', { node_uuid: node, address: `52:54:00:00:01:${String(10 + last++)}`, ...body });
const uuids = (rows: { uuid: string }[]) => rows.map(({ uuid }) => uuid);

describe('POST /v1/portgroups', () => {
  it('answers the whole group', async () => {
    const answer = await api.post('/v1/portgroups', {
      node_uuid: node,
      address: MAC.toUpperCase(),
      name: 'bond0',
      properties: { miimon: '100' },
    });
    const { uuid } = answer.json;
    expect(answer.status).toBe(201);
    expect(answer.headers.get('location')).toBe(`${api.base}/v1/portgroups/${uuid}`);
    expect(answer.json).toEqual({
      uuid,
      created_at: expect.stringMatching(/^\d{4}-.*\+00:00$/),
      updated_at: null,
      address: MAC,
      extra: {},
      internal_info: {},
      mode: 'active-backup',
      name: 'bond0',
      properties: { miimon: '100' },
      standalone_ports_supported: true,
      node_uuid: node,
      physical_network: null,
      category: null,
      dynamic_portgroup: false,
      links: [
        { href: `${api.base}/v1/portgroups/${uuid}`, rel: 'self' },
        { href: `${api.base}/portgroups/${uuid}`, rel: 'bookmark' },
      ],
      ports: [
        { href: `${api.base}/v1/portgroups/${uuid}/ports`, rel: 'self' },
        { href: `${api.base}/portgroups/${uuid}/ports`, rel: 'bookmark' },
      ],
    });
  });
  it('shows each version its own fields, and is not there before 1.23', async () => {
    const { uuid } = await create();
    expect((await api.at(22).get(`/v1/portgroups/${uuid}`)).status).toBe(404);
    for (const version of [23, 25, 26, 101, 102, 103, 110, 111]) {
      const { json } = await api.at(version).get(`/v1/portgroups/${uuid}`);
      expect(Object.keys(json)).toEqual(
        PORTGROUP_FIELDS.filter(({ since }) => since <= version).map(({ name }) => name),
      );
    }
    const since = Object.fromEntries(
      PORTGROUP_FIELDS.filter((field) => field.since > 23).map((field) => [field.name, field.since]),
    );
    expect(since).toEqual({
      mode: 26,
      properties: 26,
      physical_network: 102,
      category: 103,
      dynamic_portgroup: 111,
    });
    expect((await api.at(25).post('/v1/portgroups', { node_uuid: node, mode: 'x' })).status).toBe(406);
  });
  it.each<[object, string]>([
    [{}, "Schema error for portgroup: 'node_uuid' is a required property"],
    [{ node_uuid: NIL }, `Node ${NIL} could not be found.`],
    [{ node_uuid: 'n' }, 'Expected UUID for node_uuid: n'],
    [{ node_uuid: NIL, address: 'x' }, 'Expected valid MAC address for address: x'],
    [{ node_uuid: NIL, standalone_ports_supported: 'x' }, 'Invalid standalone_ports_supported'],
    [{ node_uuid: NIL, internal_info: {} }, "('internal_info' was unexpected)"],
    [{ node_uuid: NIL, dynamic_portgroup: true }, "('dynamic_portgroup' was unexpected)"],
    [{ node_uuid: NIL, physical_network: 'x'.repeat(65) }, 'is too long'],
  ])('refuses %j', async (body, fault) => {
    const answer = await api.post('/v1/portgroups', body);
    expect([answer.status, answer.fault]).toEqual([400, expect.stringContaining(fault)]);
  });
  it('refuses names that are none, and what is taken', async () => {
    const post = (body: object) => api.post('/v1/portgroups', { node_uuid: node, ...body });
    expect((await post({ name: 'a b' })).fault).toBe("Cannot create portgroup with invalid name 'a b'");
    // As in Ironic; only a node's name may not look like a UUID.
    expect(await create({ name: NIL })).toMatchObject({ name: NIL });
    const first = await create({ name: 'bond0', address: MAC });
    for (const [body, fault] of [
      [{ name: 'bond0' }, 'A portgroup with name bond0 already exists.'],
      [{ address: MAC }, `A portgroup with MAC address ${MAC} already exists.`],
      [{ uuid: first.uuid }, `A portgroup with UUID ${first.uuid} already exists.`],
    ] as const) {
      const answer = await post(body);
      expect([answer.status, answer.fault]).toEqual([409, fault]);
    }
  });
});

describe('GET /v1/portgroups', () => {
  it('lists, filters and pages', async () => {
    const mine = [await create({ name: 'b' }), await create({ name: 'a', address: MAC })];
    const theirs = await create({ node_uuid: other });
    expect(Object.keys((await api.get('/v1/portgroups')).json.portgroups[0])).toEqual([
      'uuid',
      'address',
      'name',
      'links',
    ]);
    const found = async (path: string) => uuids((await api.get(path)).json.portgroups);
    for (const path of ['/v1/portgroups?node=n', `/v1/portgroups?node=${node}`, '/v1/nodes/n/portgroups']) {
      expect(await found(path)).toEqual(uuids(mine));
    }
    expect(await found(`/v1/portgroups?address=${MAC}`)).toEqual([mine[1].uuid]);
    for (const query of ['shard=s', 'conductor_groups=g']) {
      expect(await found(`/v1/portgroups?${query}`)).toEqual([theirs.uuid]);
    }
    expect((await api.get('/v1/portgroups/detail')).json.portgroups).toEqual([...mine, theirs]);
    expect((await api.get('/v1/nodes/n/portgroups/detail')).json.portgroups).toEqual(mine);
    const first = (await api.get('/v1/nodes/n/portgroups?limit=1&sort_key=name')).json;
    expect(first.next).toContain('/v1/nodes/n/portgroups?sort_key=name');
    expect([...uuids(first.portgroups), ...(await found(first.next.slice(api.base.length)))]).toEqual([
      mine[1].uuid,
      mine[0].uuid,
    ]);
    for (const [version, path, status] of [
      [115, '/v1/portgroups?node=n&address=52:54:00:aa:bb:01', 400],
      [115, '/v1/portgroups?node=nosuch', 404],
      [115, '/v1/portgroups?sort_key=properties', 400],
      [115, '/v1/portgroups/nosuch', 404],
      [115, '/v1/portgroups/a b', 400],
      [81, '/v1/portgroups?shard=s', 406],
      [25, '/v1/portgroups?fields=mode', 406],
      [23, '/v1/nodes/n/portgroups', 404],
      [22, '/v1/portgroups', 404],
    ] as const) {
      expect([path, (await api.at(version).get(path)).status]).toEqual([path, status]);
    }
    expect((await api.get('/v1/portgroups/a?fields=ports,name')).json).toMatchObject({ name: 'a' });
  });
});

describe('PATCH and DELETE /v1/portgroups/{ident}', () => {
  const patch = (ident: string, ...operations: object[]) => api.patch(`/v1/portgroups/${ident}`, operations);

  it('change it', async () => {
    await create({ name: 'bond0' });
    const { json } = await patch(
      'bond0',
      { op: 'replace', path: '/mode', value: '802.3ad' },
      { op: 'add', path: '/properties/miimon', value: 100 },
      { op: 'replace', path: '/standalone_ports_supported', value: 'false' },
      { op: 'replace', path: '/address', value: MAC.toUpperCase() },
    );
    expect(json).toMatchObject({
      mode: '802.3ad',
      properties: { miimon: 100 },
      standalone_ports_supported: false,
      address: MAC,
    });
    for (const [operation, fault] of [
      [{ op: 'remove', path: '/mode' }, "'mode' is a mandatory attribute and can not be removed"],
      [
        { op: 'replace', path: '/name', value: 'a b' },
        "Portgroup bond0: Cannot change name to invalid name 'a b'",
      ],
      [{ op: 'replace', path: '/uuid', value: NIL }, 'Cannot patch /uuid'],
      [{ op: 'replace', path: '/node_uuid', value: NIL }, 'Unable to apply the requested node_uuid'],
    ] as const) {
      const answer = await patch('bond0', operation);
      expect([answer.status, answer.fault]).toEqual([400, expect.stringContaining(fault)]);
    }
    expect((await api.at(25).patch('/v1/portgroups/bond0', [{ op: 'remove', path: '/mode' }])).status).toBe(
      406,
    );
  });
  it('move it while it is empty, in states that allow it', async () => {
    const group = await create();
    const move = (to: string) => patch(group.uuid, { op: 'replace', path: '/node_uuid', value: to });
    expect((await move(other)).json.node_uuid).toBe(other);
    await createPort({ node_uuid: other, portgroup_uuid: group.uuid });
    const full = await move(node);
    expect([full.status, full.fault]).toEqual([
      400,
      `Portgroup ${group.uuid} can not be associated with node ${other} because there are ports associated with this portgroup.`,
    ]);
    await database.source.query(`update node set provision_state = 'active'`);
    const late = await move(node);
    expect([late.status, late.fault]).toEqual([409, expect.stringContaining("Current state is 'active'.")]);
    await database.source.query(`update node set provision_state = 'inspecting'`);
    expect((await patch(group.uuid, { op: 'add', path: '/extra/a', value: 1 })).status).toBe(409);
  });
  it('wait for the node’s lock', async () => {
    const group = await create();
    await database.source.query(
      `update node set reservation = 'c7', reservation_expires_at = now() + interval '1 minute'`,
    );
    expect((await patch(group.uuid, { op: 'add', path: '/extra/a', value: 1 })).fault).toContain(
      'is locked by host c7',
    );
    expect((await api.delete(`/v1/portgroups/${group.uuid}`)).status).toBe(409);
  });
  it('refuse to delete one that has ports; with its node it goes', async () => {
    const group = await create();
    const port = await createPort({ portgroup_uuid: group.uuid });
    const refused = await api.delete(`/v1/portgroups/${group.uuid}`);
    expect([refused.status, refused.fault]).toEqual([
      400,
      `Cannot complete the requested action because portgroup ${group.uuid} contains ports.`,
    ]);
    await api.patch(`/v1/ports/${port.uuid}`, [{ op: 'remove', path: '/portgroup_uuid' }]);
    expect((await api.delete(`/v1/portgroups/${group.uuid}`)).status).toBe(204);
    const second = await create();
    await createPort({ portgroup_uuid: second.uuid });
    expect((await api.delete(`/v1/nodes/${node}`)).status).toBe(204);
    expect((await api.get(`/v1/portgroups/${second.uuid}`)).status).toBe(404);
  });
});

describe('ports in port groups', () => {
  it('are listed by it', async () => {
    const group = await create({ name: 'bond0' });
    const port = await createPort({ portgroup_uuid: group.uuid });
    await createPort();
    expect(port.portgroup_uuid).toBe(group.uuid);
    for (const path of [
      '/v1/ports?portgroup=bond0',
      `/v1/ports?portgroup=${group.uuid}`,
      '/v1/portgroups/bond0/ports',
      '/v1/portgroups/bond0/ports/detail',
    ]) {
      expect(uuids((await api.get(path)).json.ports)).toEqual([port.uuid]);
    }
    expect((await api.get('/v1/ports?portgroup=nosuch')).fault).toBe('Portgroup nosuch could not be found.');
    expect((await api.get('/v1/ports?portgroup=bond0&node=n')).status).toBe(403);
    expect((await api.at(23).get('/v1/portgroups/bond0/ports')).status).toBe(404);
  });
  it('belong to its node, and stand alone only where that is supported', async () => {
    const group = await create({ standalone_ports_supported: false });
    const post = (body: object) =>
      api.post('/v1/ports', { node_uuid: node, address: MAC, portgroup_uuid: group.uuid, ...body });
    const refusals: [object, number, string][] = [
      [{ portgroup_uuid: NIL }, 400, `Portgroup ${NIL} could not be found.`],
      [{ node_uuid: other }, 400, 'Port can not be added to a portgroup belonging to a different node.'],
      [{ pxe_enabled: true }, 409, `Port group ${group.uuid} doesn't support standalone ports.`],
    ];
    for (const [body, status, fault] of refusals) {
      const answer = await post(body);
      expect([answer.status, answer.fault]).toEqual([status, expect.stringContaining(fault)]);
    }
    expect((await post({ pxe_enabled: false })).status).toBe(201);
  });
  it('share one physical network', async () => {
    const group = await create({ physical_network: 'a' });
    const post = (body: object) =>
      api.post('/v1/ports', { node_uuid: node, address: MAC, portgroup_uuid: group.uuid, ...body });
    expect((await post({})).fault).toBe(
      `Port with physical network None cannot become a member of port group ${group.uuid} which has ports in physical network a.`,
    );
    const port = await createPort({ portgroup_uuid: group.uuid, physical_network: 'a' });
    expect((await post({ physical_network: 'b' })).status).toBe(409);
    const change = (version: number) =>
      api
        .at(version)
        .patch(`/v1/ports/${port.uuid}`, [{ op: 'replace', path: '/physical_network', value: 'b' }]);
    expect((await change(102)).fault).toBe(
      'physical_network cannot be changed while the port belongs to a portgroup.',
    );
    await patchGroup(group.uuid, 'c');
    expect((await api.get(`/v1/ports/${port.uuid}`)).json.physical_network).toBe('c');
  });
  const patchGroup = (uuid: string, value: string) =>
    api.patch(`/v1/portgroups/${uuid}`, [{ op: 'replace', path: '/physical_network', value }]);
  it('show links that a version does not know as none', async () => {
    const link = { port_id: 'p', 'vtep-logical-switch': 'l', 'vtep-physical-switch': 's' };
    const post = (version: number, local_link_connection: object) =>
      api.at(version).post('/v1/ports', { node_uuid: node, address: MAC, local_link_connection });
    expect([(await post(89, link)).status, (await post(105, link)).status]).toEqual([406, 406]);
    const port = (await post(104, link)).json;
    const shown = async (version: number) =>
      (await api.at(version).get(`/v1/ports/${port.uuid}`)).json.local_link_connection;
    expect([await shown(89), await shown(90), await shown(104), await shown(105)]).toEqual([
      {},
      link,
      link,
      {},
    ]);
    await api.send('DELETE', `/v1/ports/${port.uuid}`);
    expect((await post(63, { network_type: 'unmanaged' })).status).toBe(406);
    expect((await post(64, { network_type: 'unmanaged' })).status).toBe(201);
  });
});
