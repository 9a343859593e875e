import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ApiClient, startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let api: ApiClient;
let node: string;
beforeAll(async () => {
  database = await startTestDatabase();
  server = await startApi(database, { groups: ['g'] });
  api = server.api;
});
beforeEach(async () => {
  await database.source.query('truncate node cascade');
  node = (await api.post('/v1/nodes', { driver: 'fake-hardware', name: 'n' })).json.uuid;
});
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

const NIL = '00000000-0000-0000-0000-000000000000';
let last = 0;
const mac = () =>
  `52:54:00:00:${String(Math.floor(last / 100)).padStart(2, '0')}:${String(last++ % 100).padStart(2, '0')}`;
const create = async (body: object = {}) => {
  const answer = await api.post('/v1/ports', { node_uuid: node, address: mac(), ...body });
  expect([answer.status, answer.fault]).toEqual([201, '']);
  return answer.json;
};

describe('POST /v1/ports', () => {
  it('answers the whole port', async () => {
    const answer = await api.post('/v1/ports', { node_uuid: node, address: '52:54:00:AA:BB:CC' });
    expect(answer.status).toBe(201);
    const { uuid } = answer.json;
    expect(answer.headers.get('location')).toBe(`${api.base}/v1/ports/${uuid}`);
    expect(answer.json).toEqual({
      uuid,
      created_at: expect.stringMatching(/^\d{4}-.*\+00:00$/),
      updated_at: null,
      address: '52:54:00:aa:bb:cc',
      extra: {},
      internal_info: {},
      is_smartnic: false,
      local_link_connection: {},
      physical_network: null,
      pxe_enabled: true,
      node_uuid: node,
      name: null,
      description: null,
      vendor: null,
      category: null,
      available_for_dynamic_portgroup: true,
      links: [
        { href: `${api.base}/v1/ports/${uuid}`, rel: 'self' },
        { href: `${api.base}/ports/${uuid}`, rel: 'bookmark' },
      ],
      portgroup_uuid: null,
    });
  });
  it('shows each version its own fields', async () => {
    const names = async (version: number) =>
      Object.keys((await api.at(version).post('/v1/ports', { node_uuid: node, address: mac() })).json);
    expect(await names(1)).toEqual([
      'uuid',
      'created_at',
      'updated_at',
      'address',
      'extra',
      'node_uuid',
      'links',
    ]);
    for (const [field, since] of Object.entries({
      internal_info: 18,
      pxe_enabled: 19,
      local_link_connection: 19,
      portgroup_uuid: 24,
      physical_network: 34,
      is_smartnic: 53,
      name: 88,
      description: 97,
      vendor: 100,
      category: 101,
      available_for_dynamic_portgroup: 111,
    })) {
      expect([field, (await names(since - 1)).includes(field), (await names(since)).includes(field)]).toEqual(
        [field, false, true],
      );
    }
  });
  it('takes the node’s name from 1.94 on', async () => {
    const named = (version: number) => api.at(version).post('/v1/ports', { node_ident: 'n', address: mac() });
    expect((await named(93)).status).toBe(406);
    expect((await named(94)).json.node_uuid).toBe(node);
  });
  it.each<[object, string]>([
    [{ address: '52:54:00:12:34:56' }, "Schema error for port: 'node_uuid' is a required property"],
    [{ node_uuid: NIL, address: '52:54:00:12:34:56' }, `Node ${NIL} could not be found.`],
    [{ node_ident: 'nosuch', address: '52:54:00:12:34:56' }, 'Node nosuch could not be found.'],
    [{ node_ident: 'n', node_uuid: NIL, address: '52:54:00:12:34:56' }, 'exclude each other'],
    [{ node_ident: 'n' }, "'address' is a required property"],
    [{ node_ident: 'n', address: 'not-a-mac' }, 'Expected valid MAC address for address: not-a-mac'],
    [{ node_ident: 'n', address: 5 }, "5 is not of type 'string'"],
    [{ node_ident: 'n', address: '52:54:00:12:34:56', nosuch: 1 }, "('nosuch' was unexpected)"],
    [
      { node_ident: 'n', address: '52:54:00:12:34:56', internal_info: {} },
      "('internal_info' was unexpected)",
    ],
    [
      { node_ident: 'n', address: '52:54:00:12:34:56', physical_network: '' },
      'A non-empty value is required',
    ],
    [{ node_ident: 'n', address: '52:54:00:12:34:56', physical_network: 'x'.repeat(65) }, 'is too long'],
    [{ node_ident: 'n', address: '52:54:00:12:34:56', portgroup_uuid: NIL }, 'Portgroup'],
    [
      { node_ident: 'n', address: '52:54:00:12:34:56', is_smartnic: true, local_link_connection: {} },
      'Smart NIC port must have',
    ],
    [
      { node_ident: 'n', address: '52:54:00:12:34:56', local_link_connection: { nosuch: 'x' } },
      "('nosuch' was unexpected)",
    ],
    [
      { node_ident: 'n', address: '52:54:00:12:34:56', local_link_connection: { port_id: 'x' } },
      'it needs port_id and switch_id',
    ],
    [
      {
        node_ident: 'n',
        address: '52:54:00:12:34:56',
        local_link_connection: { port_id: 'x', switch_id: 'y' },
      },
      'Expected a MAC address or OpenFlow datapath ID',
    ],
    [{ node_ident: 'n', address: '52:54:00:12:34:56', name: 'a b' }, 'Expected a logical name'],
  ])('refuses %j', async (body, fault) => {
    const answer = await api.post('/v1/ports', body);
    expect(answer.fault).toContain(fault);
    expect(answer.status).toBe(400);
  });
  it('answers 409 for a MAC address that is taken', async () => {
    await create({ address: '52:54:00:aa:bb:01' });
    const answer = await api.post('/v1/ports', { node_uuid: node, address: '52:54:00:AA:BB:01' });
    expect([answer.status, answer.fault]).toEqual([
      409,
      'A port with MAC address 52:54:00:aa:bb:01 already exists.',
    ]);
  });
});

describe('a MAC address that another node has', () => {
  it('is told with its owner, by creation and by PATCH', async () => {
    const taken = await create({ address: '52:54:00:aa:bb:02' });
    const { uuid: other } = (await api.post('/v1/nodes', { driver: 'fake-hardware', name: 'other' })).json;
    const fault =
      'A port with MAC address 52:54:00:aa:bb:02 already exists. ' +
      `It is port ${taken.uuid} of node n (${node}).`;
    const again = await api.post('/v1/ports', { node_uuid: other, address: '52:54:00:AA:BB:02' });
    expect([again.status, again.fault]).toEqual([409, fault]);
    const own = (await api.post('/v1/ports', { node_uuid: other, address: '52:54:00:aa:bb:03' })).json;
    const patch = [{ op: 'replace', path: '/address', value: '52:54:00:aa:bb:02' }];
    const moved = await api.patch(`/v1/ports/${own.uuid}`, patch);
    expect([moved.status, moved.fault]).toEqual([409, fault]);
  });
});

describe('GET /v1/ports', () => {
  it('lists, shows and pages', async () => {
    const ports = [await create({ name: 'eth0' }), await create(), await create()];
    expect(Object.keys((await api.get('/v1/ports')).json.ports[0])).toEqual(['uuid', 'address', 'links']);
    for (const ident of [ports[0].uuid, 'eth0', ports[0].address]) {
      expect((await api.get(`/v1/ports/${ident}`)).status).toBe(ident === ports[0].address ? 400 : 200);
    }
    const first = (await api.get('/v1/ports?limit=2&sort_key=address&sort_dir=desc')).json;
    const rest = (await api.get(first.next.slice(api.base.length))).json;
    const uuids = [...first.ports, ...rest.ports].map((port: { uuid: string }) => port.uuid);
    expect(uuids).toEqual(ports.map(({ uuid }) => uuid).toReversed());
    expect(rest.next).toBeUndefined();
    expect((await api.get('/v1/ports/detail?limit=1')).json.next).toContain('/v1/ports/detail?');
    expect((await api.get('/v1/ports?detail=true')).json.ports[1]).toEqual(ports[1]);
    expect((await api.get('/v1/ports?fields=uuid,extra')).json.ports[2]).toEqual({
      uuid: ports[2].uuid,
      extra: {},
      links: ports[2].links,
    });
  });
  it('pages in the order of a field that is null here and there', async () => {
    for (const name of ['b', null, 'a', null]) await create({ name });
    for (const dir of ['asc', 'desc']) {
      const seen: string[] = [];
      let url = `/v1/ports?limit=1&sort_key=name&fields=name,uuid&sort_dir=${dir}`;
      while (url && seen.length < 10) {
        const { json } = await api.get(url);
        seen.push(...json.ports.map((port: { name: string }) => port.name));
        url = json.next?.slice(api.base.length);
      }
      expect(seen).toEqual(dir === 'asc' ? ['a', 'b', null, null] : [null, null, 'b', 'a']);
    }
  });
  it('filters', async () => {
    const other = (await api.post('/v1/nodes', { driver: 'fake-hardware', shard: 's', conductor_group: 'g' }))
      .json.uuid;
    const mine = await create({ description: 'Uplink A' });
    const theirs = await create({ node_uuid: other });
    const found = async (path: string) =>
      (await api.get(path)).json.ports.map((port: { uuid: string }) => port.uuid);
    for (const query of [
      'node=n',
      `node_uuid=${node}`,
      `address=${mine.address.toUpperCase()}`,
      'description_contains=uplink',
    ]) {
      expect([query, await found(`/v1/ports?${query}`)]).toEqual([query, [mine.uuid]]);
    }
    for (const query of ['shard=s', 'conductor_groups=g', `node=${other}`]) {
      expect([query, await found(`/v1/ports?${query}`)]).toEqual([query, [theirs.uuid]]);
    }
    expect(await found('/v1/nodes/n/ports')).toEqual([mine.uuid]);
    expect(await found('/v1/ports?address=52:54:00:ff:ff:ff')).toEqual([]);
    expect((await api.get('/v1/nodes/nosuch/ports')).status).toBe(404);
    expect((await api.get('/v1/ports?node=n&shard=s')).status).toBe(403);
    expect((await api.at(81).get('/v1/ports?shard=s')).status).toBe(406);
    expect((await api.at(4).get('/v1/ports?node=n')).status).toBe(406);
  });
});

describe('PATCH and DELETE /v1/ports/{uuid}', () => {
  const set = (columns: string) => database.source.query(`update node set ${columns}`);
  it('change it', async () => {
    const { uuid } = await create();
    const answer = await api.patch(`/v1/ports/${uuid}`, [
      { op: 'replace', path: '/physical_network', value: 'physnet1' },
      { op: 'add', path: '/local_link_connection/port_id', value: 'Gi1' },
      { op: 'add', path: '/local_link_connection/switch_id', value: '0A:1B:2C:3D:4E:5F' },
      { op: 'add', path: '/extra/a', value: 1 },
      { op: 'replace', path: '/pxe_enabled', value: 'False' },
    ]);
    expect(answer.json).toMatchObject({
      physical_network: 'physnet1',
      local_link_connection: { port_id: 'Gi1', switch_id: '0a:1b:2c:3d:4e:5f' },
      extra: { a: 1 },
      pxe_enabled: false,
      updated_at: expect.stringContaining('+00:00'),
    });
    // Unlike on creation, as in Ironic.
    const smart = await api.patch(`/v1/ports/${uuid}`, [
      { op: 'replace', path: '/is_smartnic', value: true },
    ]);
    expect(smart.json).toMatchObject({ is_smartnic: true });
    expect((await api.delete(`/v1/ports/${uuid}`)).status).toBe(204);
    expect((await api.delete(`/v1/ports/${uuid}`)).fault).toBe(`Port ${uuid} could not be found.`);
  });
  it('refuse what no port may become', async () => {
    const { uuid } = await create();
    for (const [operation, fault] of [
      [{ op: 'replace', path: '/uuid', value: NIL }, 'Cannot patch /uuid'],
      [{ op: 'remove', path: '/address' }, "'address' is a required property"],
      [{ op: 'replace', path: '/address', value: 'x' }, 'Expected valid MAC address'],
      [{ op: 'replace', path: '/node_uuid', value: NIL }, 'Unable to apply the requested node_uuid'],
      [{ op: 'remove', path: '/node_uuid' }, 'Unable to apply the requested node_uuid'],
      [{ op: 'add', path: '/portgroup_uuid', value: NIL }, 'Portgroup'],
      [{ op: 'add', path: '/local_link_connection/port_id', value: 'x' }, 'it needs'],
    ] as const) {
      const answer = await api.patch(`/v1/ports/${uuid}`, [operation]);
      expect([answer.status, answer.fault]).toEqual([400, expect.stringContaining(fault)]);
    }
  });
  it('move it to another node of the same owner only', async () => {
    const { uuid } = await create();
    const target = async (owner: string | null) =>
      (await api.post('/v1/nodes', { driver: 'fake-hardware', owner })).json.uuid;
    const move = async (to: string) =>
      api.patch(`/v1/ports/${uuid}`, [{ op: 'replace', path: '/node_uuid', value: to }]);
    expect((await move(await target('stranger'))).status).toBe(400);
    const ours = await target(null);
    expect((await move(ours)).json.node_uuid).toBe(ours);
  });
  it('keep the rules of states', async () => {
    const { uuid } = await create();
    const status = async (path: string, value: unknown) =>
      (await api.patch(`/v1/ports/${uuid}`, [{ op: 'replace', path, value }])).status;
    await set("provision_state = 'active'");
    expect(await status('/address', mac())).toBe(409);
    expect(await status('/pxe_enabled', false)).toBe(409);
    expect(await status('/extra', { a: 1 })).toBe(200);
    await set('maintenance = true');
    expect(await status('/address', mac())).toBe(200);
    expect(await status('/pxe_enabled', false)).toBe(200);
  });
});
