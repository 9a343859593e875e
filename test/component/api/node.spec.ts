import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { NODE_FIELDS } from '../../../src/api/v1/node/fields.js';
import { type ApiClient, startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let api: ApiClient;
beforeAll(async () => {
  database = await startTestDatabase();
  server = await startApi(database, { groups: ['g', 'rack', 'rack1'] });
  api = server.api;
});
beforeEach(() => database.source.query('truncate node cascade'));
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

const NIL = '00000000-0000-0000-0000-000000000000';
const create = async (body: object = {}) => {
  const answer = await api.post('/v1/nodes', { driver: 'fake-hardware', ...body });
  expect([answer.status, answer.fault]).toEqual([201, '']);
  return answer.json;
};
const set = (uuid: string, columns: string) =>
  database.source.query(`update node set ${columns} where uuid = $1`, [uuid]);
const patch = (uuid: string, ...operations: object[]) => api.patch(`/v1/nodes/${uuid}`, operations);

describe('POST /v1/nodes', () => {
  it('answers the whole node, its secrets masked', async () => {
    const answer = await api.post('/v1/nodes', {
      driver: 'fake-hardware',
      name: 'web-1',
      driver_info: { ipmi_address: 'h', ipmi_password: 'canary-1', nested: { my_token: 'canary-2' } },
      instance_info: { configdrive: 'canary-3', image_url: 'canary-4', display_name: 'vm-1' },
      properties: { cpus: 8 },
      maintenance: 'True',
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('location')).toBe(`${api.base}/v1/nodes/${answer.json.uuid}`);
    expect(answer.text).not.toContain('canary');
    expect(Object.keys(answer.json)).toEqual(NODE_FIELDS.map(({ name }) => name));
    expect(answer.json).toMatchObject({
      name: 'web-1',
      provision_state: 'enroll',
      power_state: null,
      conductor_group: '',
      maintenance: true,
      driver_info: { ipmi_address: 'h', ipmi_password: '******', nested: { my_token: '******' } },
      instance_info: { configdrive: '******', image_url: '******' },
      instance_name: 'vm-1',
      power_interface: 'fake',
      traits: [],
      chassis_uuid: null,
      updated_at: null,
    });
  });
  it('begins in enroll from 1.11 on, and before in available, which is null below 1.2', async () => {
    const state = async (version: number) =>
      (await api.at(version).post('/v1/nodes', { driver: 'fake-hardware' })).json.provision_state;
    expect([await state(1), await state(10), await state(11)]).toEqual([null, 'available', 'enroll']);
  });
  it.each<[object, number, string]>([
    [{}, 400, "Schema error for node: 'driver' is a required property"],
    [
      { driver: 'fake-hardware', nosuch: 1 },
      400,
      "Schema error for node: Additional properties are not allowed ('nosuch' was unexpected)",
    ],
    [{ driver: 'fake-hardware', provision_state: 'active' }, 400, "('provision_state' was unexpected)"],
    [
      { driver: 'fake-hardware', reservation: 'x', driver_internal_info: {} },
      400,
      "('reservation', 'driver_internal_info' were unexpected)",
    ],
    [
      { driver: 'nosuch' },
      400,
      'No valid host was found. Reason: No conductor service registered which supports driver nosuch for conductor group "". ' +
        'Enabled hardware types (driver.enabled_hardware_types): fake-hardware.',
    ],
    [{ driver: 'fake-hardware', name: 'bad name' }, 400, "Cannot create node with invalid name 'bad name'"],
    [{ driver: 'fake-hardware', name: '' }, 400, 'invalid name'],
    [{ driver: 'fake-hardware', name: NIL }, 400, 'invalid name'],
    [{ driver: 'fake-hardware', name: 'detail' }, 400, 'The word "detail" is reserved'],
    [{ driver: 'fake-hardware', resource_class: 'x'.repeat(81) }, 400, 'is too long'],
    [{ driver: 'fake-hardware', owner: 'x'.repeat(256) }, 400, 'is too long'],
    [{ driver: 'fake-hardware', description: 'x'.repeat(4097) }, 400, 'is too long'],
    [
      { driver: 'fake-hardware', driver_info: ['canary'] },
      400,
      "a list is not of type 'object', 'null' (driver_info)",
    ],
    [{ driver: 'fake-hardware', uuid: 'x' }, 400, 'Expected UUID for uuid: x'],
    [
      { driver: 'fake-hardware', maintenance: 'maybe' },
      400,
      "Invalid maintenance: Unrecognized value 'maybe'",
    ],
    [{ driver: 'fake-hardware', maintenance: 1 }, 400, "1 is not of type 'string', 'boolean', 'null'"],
    [{ driver: 'fake-hardware', boot_interface: 'nosuch' }, 400, 'Could not find the following interface'],
    [
      { driver: 'fake-hardware', chassis_uuid: NIL },
      400,
      'Chassis 00000000-0000-0000-0000-000000000000 could not be found.',
    ],
    [{ driver: 'fake-hardware', parent_node: 'nosuch' }, 400, 'Unable to apply the requested parent_node'],
    [{ driver: 'fake-hardware', network_data: { links: 1 } }, 400, '(network_data'],
  ])('refuses %j', async (body, status, fault) => {
    const answer = await api.post('/v1/nodes', body);
    expect(answer.fault).toContain(fault);
    expect(answer.status).toBe(status);
    expect(answer.text).not.toContain('canary');
  });
  it('takes network data as Nova writes it', async () => {
    const network_data = {
      links: [{ id: 'eth0', type: 'phy', ethernet_mac_address: '52:54:00:12:34:56', mtu: 1500 }],
      networks: [
        {
          id: 'n0',
          type: 'ipv4',
          link: 'eth0',
          network_id: 'n',
          ip_address: '192.0.2.7',
          netmask: '255.255.255.0',
          routes: [{ network: '0.0.0.0', netmask: '0.0.0.0', gateway: '192.0.2.1' }],
        },
      ],
      services: [{ type: 'dns', address: '192.0.2.1' }],
    };
    expect((await create({ network_data })).network_data).toEqual(network_data);
  });
  it('knows fields from their version on', async () => {
    const at = (version: number, body: object) =>
      api.at(version).post('/v1/nodes', { driver: 'fake-hardware', ...body });
    expect((await at(1, { name: 'old' })).status).toBe(406);
    expect((await at(4, { name: 'old' })).fault).toBe('Request not acceptable.');
    expect((await at(5, { name: 'old' })).status).toBe(201);
    expect((await at(1, { name: null })).status).toBe(201);
    expect((await at(9, { name: 'Un_restricted~' })).status).toBe(400);
    expect((await at(10, { name: 'Un_restricted~' })).status).toBe(201);
    expect((await at(45, { conductor_group: '' })).status).toBe(201);
    expect((await at(45, { conductor_group: 'x' })).status).toBe(406);
  });
  it('names properties that should be whole numbers, and an interface without a name', async () => {
    const refused = async (body: object) =>
      (await api.post('/v1/nodes', { driver: 'fake-hardware', ...body })).fault;
    expect(await refused({ uuid: NIL, properties: { cpus: 'x', local_gb: -1, memory_mb: ' 8 ' } })).toBe(
      `The following properties for node ${NIL} should be non-negative integers, but provided values are: local_gb=-1, cpus=x`,
    );
    expect(await refused({ boot_interface: '' })).toMatch(/^Could not find the following interface .*: \./);
    expect((await api.get('/v1/nodes')).json.nodes).toEqual([]);
  });
  it('answers 409 for what is taken', async () => {
    const { uuid } = await create({ name: 'web-1', instance_uuid: NIL });
    const again = (body: object) => api.post('/v1/nodes', { driver: 'fake-hardware', ...body });
    expect(await again({ name: 'web-1' })).toMatchObject({
      status: 409,
      fault: 'A node with name web-1 already exists.',
    });
    expect(await again({ uuid })).toMatchObject({
      status: 409,
      fault: `A node with UUID ${uuid} already exists.`,
    });
    expect((await again({ instance_uuid: NIL })).status).toBe(409);
  });
});

describe('GET /v1/nodes/{ident}', () => {
  it('finds by uuid in any spelling, and by name from 1.5 on', async () => {
    const { uuid } = await create({ name: 'web-1' });
    for (const ident of [uuid, uuid.toUpperCase(), uuid.replaceAll('-', ''), 'web-1']) {
      expect((await api.get(`/v1/nodes/${ident}`)).json.uuid).toBe(uuid);
    }
    expect((await api.at(4).get('/v1/nodes/web-1')).fault).toBe('Node web-1 could not be found.');
    expect((await api.get(`/v1/nodes/${NIL}`)).status).toBe(404);
    expect((await api.get('/v1/nodes/bad%20name')).status).toBe(400);
    expect((await api.get(`/v1/nodes/${'x'.repeat(300)}`)).status).toBe(400);
  });
  it('takes a .json suffix for the format below 1.91, and for part of the name from there on', async () => {
    await create({ name: 'a' });
    const b = await create({ name: 'b.json' });
    expect((await api.at(90).get('/v1/nodes/a.json?fields=uuid')).status).toBe(200);
    expect((await api.at(91).get('/v1/nodes/a.json')).status).toBe(404);
    expect((await api.at(90).get('/v1/nodes/b.json')).json.uuid).toBe(b.uuid);
    expect((await api.at(91).get('/v1/nodes/b.json')).json.uuid).toBe(b.uuid);
  });
  it('shows what is asked for', async () => {
    const { uuid } = await create();
    const show = (fields: string, version = 115) => api.at(version).get(`/v1/nodes/${uuid}?fields=${fields}`);
    expect(Object.keys((await show('uuid,provision_state')).json)).toEqual([
      'uuid',
      'provision_state',
      'links',
    ]);
    expect((await show('nosuch')).status).toBe(400);
    // Shown with all fields, and not to be asked for: _get_fields_for_node_query.
    expect((await show('created_at')).fault).toBe('Field created_at is not a valid field.');
    expect((await api.get('/v1/nodes?fields=uuid,updated_at')).status).toBe(400);
    expect((await show('shard', 81)).status).toBe(406);
    expect((await show('uuid', 7)).status).toBe(406);
  });
  it('shows each version its own fields', async () => {
    const { uuid } = await create();
    const names = async (version: number) =>
      Object.keys((await api.at(version).get(`/v1/nodes/${uuid}`)).json).toSorted();
    // Recorded from Ironic at 1.1.
    expect(await names(1)).toEqual(
      [
        'uuid',
        'created_at',
        'updated_at',
        'console_enabled',
        'driver',
        'driver_info',
        'extra',
        'instance_info',
        'instance_uuid',
        'last_error',
        'maintenance',
        'maintenance_reason',
        'power_state',
        'properties',
        'provision_state',
        'provision_updated_at',
        'reservation',
        'target_power_state',
        'target_provision_state',
        'links',
        'chassis_uuid',
        'ports',
      ].toSorted(),
    );
  });
});

describe('GET /v1/nodes', () => {
  it('pages through everything once, in every order', async () => {
    const uuids: string[] = [];
    for (const name of ['d', null, 'a', 'c', null, 'b']) uuids.push((await create({ name })).uuid);
    for (const order of [
      '',
      'sort_key=name',
      'sort_key=name&sort_dir=desc',
      'sort_key=created_at&sort_dir=desc',
    ]) {
      const seen: string[] = [];
      let url = `/v1/nodes?limit=2&${order}`;
      for (let pages = 0; url && pages < 10; pages += 1) {
        const { json } = await api.get(url);
        seen.push(...json.nodes.map((node: { uuid: string }) => node.uuid));
        url = json.next?.slice(api.base.length);
      }
      expect(seen.toSorted()).toEqual(uuids.toSorted());
    }
    const byName = (await api.get('/v1/nodes?sort_key=name')).json.nodes.map(
      (node: { name: string }) => node.name,
    );
    expect(byName).toEqual(['a', 'b', 'c', 'd', null, null]);
  });
  it('gives `next` exactly on a full page, with the query it came by', async () => {
    await create();
    await create();
    expect((await api.get('/v1/nodes?limit=3')).json.next).toBeUndefined();
    const { next, nodes } = (await api.get('/v1/nodes?limit=1&fields=uuid,name&maintenance=false')).json;
    expect(next).toBe(
      `${api.base}/v1/nodes?sort_key=id&sort_dir=asc&fields=uuid,name&maintenance=false&limit=1&marker=${nodes[0].uuid}`,
    );
    expect((await api.get(`/v1/nodes?marker=${NIL}`)).status).toBe(404);
  });
  it('caps the limit', async () => {
    const small = await startApi(database, { api: { max_limit: 2 } });
    try {
      for (let i = 0; i < 3; i += 1) await create();
      for (const query of ['', '?limit=100']) {
        const { nodes, next } = (await small.api.get(`/v1/nodes${query}`)).json;
        expect([nodes.length, next]).toEqual([2, expect.stringContaining('limit=2')]);
      }
    } finally {
      await small.stop();
    }
  });
  it('filters', async () => {
    const parent = await create({ name: 'parent' });
    const instance_uuid = randomUUID();
    const special = await create({
      name: 'special',
      instance_uuid,
      instance_name: 'vm',
      resource_class: 'gold',
      conductor_group: 'Rack1',
      owner: 'o',
      lessee: 'l',
      shard: 's1',
      description: 'Great MACHINE',
      maintenance: true,
      retired: true,
    });
    const child = await create({ name: 'child', parent_node: 'parent' });
    await set(special.uuid, "fault = 'power failure'");
    const names = async (query: string) => {
      const answer = await api.get(`/v1/nodes?fields=name&${query}`);
      expect([query, answer.status, answer.fault]).toEqual([query, 200, '']);
      return answer.json.nodes.map((node: { name: string }) => node.name);
    };
    const only = [
      `instance_uuid=${instance_uuid}`,
      'associated=true',
      'maintenance=True',
      'resource_class=gold',
      'conductor_group=rack1',
      'owner=o',
      'lessee=l',
      'project=o',
      'project=l',
      'shard=x,s1',
      'sharded=yes',
      'description_contains=machine',
      'retired=1',
      'instance_name=vm',
      'fault=power%20failure',
    ];
    for (const query of only) expect([query, await names(query)]).toEqual([query, ['special']]);
    for (const query of ['associated=false', 'maintenance=0', 'sharded=no', 'retired=false']) {
      expect([query, await names(query)]).toEqual([query, ['parent']]);
    }
    const both = ['parent', 'special'];
    for (const query of ['provision_state=enroll', 'driver=fake-hardware', 'conductor=conductor-1', '']) {
      expect(await names(query)).toEqual(both);
    }
    expect(await names(`parent_node=${parent.uuid}`)).toEqual(['child']);
    expect(await names('include_children=true')).toEqual([...both, 'child']);
    expect(child.parent_node).toBe(parent.uuid);
    for (const query of ['driver=x', 'conductor=x', 'provision_state=active', 'shard=x']) {
      expect(await names(query)).toEqual([]);
    }
    expect((await api.get(`/v1/nodes?chassis_uuid=${NIL}`)).fault).toBe(`Chassis ${NIL} could not be found.`);
    expect((await api.get(`/v1/nodes?limit=1&instance_uuid=${instance_uuid}`)).json.next).toBeUndefined();
  });
  it('knows filters from their version on', async () => {
    const since = {
      provision_state: [9, 'enroll'],
      driver: [16, 'x'],
      resource_class: [21, 'x'],
      fault: [42, 'power failure'],
      conductor_group: [46, 'x'],
      conductor: [49, 'x'],
      owner: [50, 'x'],
      lessee: [65, 'x'],
      shard: [82, 'x'],
      sharded: [82, 'true'],
      parent_node: [83, NIL],
      include_children: [83, 'true'],
      instance_name: [104, 'x'],
    } as const;
    for (const [name, [version, value]] of Object.entries(since)) {
      const status = async (at: number) =>
        (await api.at(at).get(`/v1/nodes?${name}=${encodeURIComponent(value)}`)).status;
      expect([name, await status(version - 1), await status(version)]).toEqual([name, 406, 200]);
    }
  });
  it('shows all fields in detail, by both addresses', async () => {
    await create();
    const whole = (await api.get('/v1/nodes?detail=True')).json;
    expect(Object.keys(whole.nodes[0])).toEqual(NODE_FIELDS.map(({ name }) => name));
    expect((await api.get('/v1/nodes/detail')).json).toEqual(whole);
    expect((await api.at(42).get('/v1/nodes?detail=True')).status).toBe(400);
    expect((await api.at(1).get('/v1/nodes/detail')).status).toBe(200);
    expect((await api.get('/v1/nodes/detail?fields=uuid')).status).toBe(400);
  });
});

describe('PATCH /v1/nodes/{ident}', () => {
  it('changes what it says and works on secrets in clear', async () => {
    const { uuid } = await create({ driver_info: { ipmi_password: 'canary', ipmi_address: 'h' } });
    const answer = await patch(
      uuid,
      { op: 'add', path: '/extra/foo', value: { a: [1] } },
      { op: 'replace', path: '/name', value: 'web-3' },
      { op: 'replace', path: '/driver_info/ipmi_address', value: 'other' },
      { op: 'add', path: '/maintenance', value: 'true' },
      { op: 'add', path: '/conductor_group', value: 'RACK' },
    );
    expect(answer.status).toBe(200);
    expect(answer.text).not.toContain('canary');
    expect(answer.json).toMatchObject({
      name: 'web-3',
      extra: { foo: { a: [1] } },
      driver_info: { ipmi_password: '******', ipmi_address: 'other' },
      maintenance: true,
      conductor_group: 'rack',
      // Ironic answers with the node as it was under the lock.
      reservation: server.parts.host,
    });
    expect((await api.get(`/v1/nodes/${uuid}?fields=reservation`)).json.reservation).toBeNull();
    const clear = server.parts.nodes.withSecrets(await server.parts.nodes.get(uuid));
    expect(clear.driver_info).toEqual({ ipmi_password: 'canary', ipmi_address: 'other' });
  });
  it('stores ****** where a client sends it back', async () => {
    const { uuid } = await create({ driver_info: { ipmi_password: 'canary' } });
    await patch(uuid, { op: 'replace', path: '/driver_info/ipmi_password', value: '******' });
    const clear = server.parts.nodes.withSecrets(await server.parts.nodes.get(uuid));
    expect(clear.driver_info).toEqual({ ipmi_password: '******' });
  });
  it('gives removed roots their empty value', async () => {
    const { uuid } = await create({
      name: 'n',
      extra: { a: 1 },
      owner: 'o',
      conductor_group: 'g',
      maintenance: true,
    });
    const remove = (path: string) => ({ op: 'remove', path });
    const { json } = await patch(
      uuid,
      ...['/name', '/extra', '/owner', '/conductor_group', '/maintenance'].map(remove),
    );
    expect(json).toMatchObject({
      name: null,
      extra: {},
      owner: null,
      conductor_group: '',
      maintenance: false,
    });
  });
  it.each<[object | object[], string]>([
    [
      [{ op: 'replace', path: '/provision_state', value: 'active' }],
      'Cannot patch /provision_state. Only the following can be updated: ',
    ],
    [[{ op: 'add', path: '/nosuch', value: 1 }], 'Cannot patch /nosuch'],
    [[{ op: 'add', path: '/uuid', value: NIL }], 'Cannot patch /uuid'],
    [[{ op: 'add', path: '/traits', value: [] }], 'Cannot patch /traits'],
    [[{ op: 'add', path: '/driver_internal_info/x', value: 1 }], 'Cannot patch /driver_internal_info/x'],
    [[{ op: 'add', path: '/reservation', value: 'x' }], 'Cannot patch /reservation'],
    [
      [{ op: 'remove', path: '/extra/nosuch' }],
      "Couldn't apply patch '{'op': 'remove', 'path': '/extra/nosuch'}'. Reason: can't remove a non-existent object 'nosuch'",
    ],
    [[{ op: 'remove', path: '/driver' }], "Schema error for patch: 'driver' is a required property"],
    [[{ op: 'replace', path: '/driver', value: 'nosuch' }], 'which supports driver nosuch'],
    [[{ op: 'replace', path: '/driver', value: null }], "None is not of type 'string'"],
    [
      [{ op: 'test', path: '/name', value: 'z' }],
      "Schema error for patch: 'test' is not one of ['add', 'replace', 'remove']",
    ],
    [[{ op: 'add', path: '/extra/a' }], "'value' is a required property"],
    [[{ op: 'add', path: 'extra', value: 1 }], "'extra' does not match"],
    [[{ op: 'add', path: '/extra/', value: 1 }], 'does not match'],
    [[{ op: 'add', path: '/extra/a b', value: 1 }], 'does not match'],
    [[{ op: 'add', path: '/extra/__proto__/x', value: 1 }], "'__proto__' is not allowed"],
    [[{ op: 'add', path: '/extra/constructor/prototype', value: 1 }], 'not found'],
    [[{ op: 'add', path: '/extra/a', value: 1, from: 'x' }], "('from' was unexpected)"],
    [{ op: 'add' }, "the body is not of type 'array'"],
    [[1], "an operation is not of type 'object'"],
    [[{ op: 'replace', path: '/name', value: 'states' }], 'is reserved'],
    [[{ op: 'replace', path: '/name', value: 'a b' }], 'Cannot change name to invalid name'],
    [[{ op: 'add', path: '/chassis_uuid', value: NIL }], 'could not be found'],
    [[{ op: 'add', path: '/parent_node', value: NIL }], 'Unable to apply the requested parent_node'],
    [[{ op: 'add', path: '/description', value: 'x'.repeat(4097) }], 'is too long'],
    [[{ op: 'add', path: '/maintenance', value: [] }], 'is not of type'],
    [[{ op: 'add', path: '/protected_reason', value: 'x' }], 'can only be set when protected is True'],
  ])('refuses %j', async (body, fault) => {
    const { uuid } = await create({ name: 'kept' });
    const answer = await api.patch(`/v1/nodes/${uuid}`, body);
    expect(answer.fault).toContain(fault);
    expect(answer.status).toBe(400);
    expect(await server.parts.nodes.get(uuid)).toMatchObject({
      name: 'kept',
      updated_at: null,
      reservation: null,
    });
    expect(({} as { x?: number }).x).toBeUndefined();
  });
  it('knows roots and escapes from their version on', async () => {
    const { uuid } = await create();
    const at = (version: number, path: string) =>
      api.at(version).patch(`/v1/nodes/${uuid}`, [{ op: 'add', path, value: 'x' }]);
    expect([(await at(81, '/shard')).status, (await at(82, '/shard')).status]).toEqual([406, 200]);
    expect([(await at(97, '/extra/a~1b')).status, (await at(98, '/extra/a~1b')).status]).toEqual([400, 200]);
    expect((await api.get(`/v1/nodes/${uuid}`)).json.extra).toEqual({ 'a/b': 'x' });
  });
  it('keeps the rules of states', async () => {
    const { uuid } = await create({ instance_uuid: NIL });
    const status = async (...operations: object[]) => (await patch(uuid, ...operations)).status;
    const note = { op: 'add', path: '/extra/a', value: 1 };
    await set(uuid, "provision_state = 'deploying', target_provision_state = 'active'");
    expect((await patch(uuid, note)).fault).toBe(
      `Node ${uuid} can not be updated while a state transition is in progress.`,
    );
    expect(await status({ op: 'replace', path: '/instance_uuid', value: randomUUID() })).toBe(409);
    expect(await status({ op: 'remove', path: '/instance_uuid' })).toBe(409);
    await set(uuid, "provision_state = 'active', target_provision_state = null");
    expect(await status(note)).toBe(200);
    expect(await status({ op: 'replace', path: '/instance_uuid', value: randomUUID() })).toBe(409);
    expect(await status({ op: 'replace', path: '/boot_interface', value: 'fake' })).toBe(200);
    expect(await status({ op: 'replace', path: '/protected', value: true })).toBe(200);
    expect((await api.delete(`/v1/nodes/${uuid}`)).status).toBe(403);
    await set(uuid, "maintenance = true, target_provision_state = 'active', provision_state = 'deploying'");
    expect(await status({ op: 'remove', path: '/instance_uuid' })).toBe(200);
  });
  it('resets interfaces with a new driver only', async () => {
    const { uuid } = await create({ vendor_interface: 'no-vendor' });
    const reset = (body: object[], version = 115) =>
      api.at(version).patch(`/v1/nodes/${uuid}?reset_interfaces=true`, body);
    const driver = [{ op: 'replace', path: '/driver', value: 'fake-hardware' }];
    expect((await reset([{ op: 'add', path: '/extra/a', value: 1 }])).fault).toContain('reset_interfaces');
    expect((await reset(driver, 44)).status).toBe(406);
    expect((await reset(driver)).status).toBe(200);
  });
  it('waits for a lock, then answers 409 with its holder', async () => {
    const { uuid } = await create();
    await set(uuid, "reservation = 'conductor-7', reservation_expires_at = now() + interval '1 minute'");
    const answer = await patch(uuid, { op: 'add', path: '/extra/a', value: 1 });
    expect(answer.status).toBe(409);
    expect(answer.fault).toBe(
      `Node ${uuid} is locked by host conductor-7, please retry after the current operation is completed.`,
    );
    expect((await api.get(`/v1/nodes/${uuid}`)).json.reservation).toBe('conductor-7');
    // What its state forbids is said without waiting for the lock.
    await set(uuid, "provision_state = 'deploying', target_provision_state = 'active'");
    expect((await patch(uuid, { op: 'add', path: '/extra/a', value: 1 })).fault).toContain(
      'state transition',
    );
    await set(uuid, "reservation_expires_at = now() - interval '1 second'");
    expect((await api.get(`/v1/nodes/${uuid}`)).json.reservation).toBeNull();
  });
});

describe('DELETE /v1/nodes/{ident}', () => {
  it('deletes, and knows nothing of it then', async () => {
    const { uuid } = await create({ name: 'gone' });
    const answer = await api.delete('/v1/nodes/gone');
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect((await api.delete(`/v1/nodes/${uuid}`)).fault).toBe(`Node ${uuid} could not be found.`);
  });
  it('refuses states in which a node is in use', async () => {
    const { uuid } = await create();
    await set(uuid, "provision_state = 'active'");
    const answer = await api.delete(`/v1/nodes/${uuid}`);
    expect(answer.status).toBe(409);
    expect(answer.fault).toContain(`Can not delete node "${uuid}" while it is in provision state "active"`);
  });
});
