import { describe, expect, it } from 'vitest';
import { NODE_FIELDS } from '../../../src/api/v1/node/fields.js';
import { useNodeBed } from '../../support/node-bed.js';

const bed = useNodeBed();
const { create, set } = bed;

const NIL = '00000000-0000-0000-0000-000000000000';

describe('POST /v1/nodes', () => {
  it('answers the whole node, its secrets masked', async () => {
    const answer = await bed.api.post('/v1/nodes', {
      driver: 'fake-hardware',
      name: 'web-1',
      driver_info: { ipmi_address: 'h', ipmi_password: 'canary-1', nested: { my_token: 'canary-2' } },
      instance_info: { configdrive: 'canary-3', image_url: 'canary-4', display_name: 'vm-1' },
      properties: { cpus: 8 },
      maintenance: 'True',
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('location')).toBe(`${bed.api.base}/v1/nodes/${answer.json.uuid}`);
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
      (await bed.api.at(version).post('/v1/nodes', { driver: 'fake-hardware' })).json.provision_state;
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
    const answer = await bed.api.post('/v1/nodes', body);
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
      bed.api.at(version).post('/v1/nodes', { driver: 'fake-hardware', ...body });
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
      (await bed.api.post('/v1/nodes', { driver: 'fake-hardware', ...body })).fault;
    expect(await refused({ uuid: NIL, properties: { cpus: 'x', local_gb: -1, memory_mb: ' 8 ' } })).toBe(
      `The following properties for node ${NIL} should be non-negative integers, but provided values are: local_gb=-1, cpus=x`,
    );
    expect(await refused({ boot_interface: '' })).toMatch(/^Could not find the following interface .*: \./);
    expect((await bed.api.get('/v1/nodes')).json.nodes).toEqual([]);
  });
  it('answers 409 for what is taken', async () => {
    const { uuid } = await create({ name: 'web-1', instance_uuid: NIL });
    const again = (body: object) => bed.api.post('/v1/nodes', { driver: 'fake-hardware', ...body });
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
      expect((await bed.api.get(`/v1/nodes/${ident}`)).json.uuid).toBe(uuid);
    }
    expect((await bed.api.at(4).get('/v1/nodes/web-1')).fault).toBe('Node web-1 could not be found.');
    expect((await bed.api.get(`/v1/nodes/${NIL}`)).status).toBe(404);
    expect((await bed.api.get('/v1/nodes/bad%20name')).status).toBe(400);
    expect((await bed.api.get(`/v1/nodes/${'x'.repeat(300)}`)).status).toBe(400);
  });
  it('takes a .json suffix for the format below 1.91, and for part of the name from there on', async () => {
    await create({ name: 'a' });
    const b = await create({ name: 'b.json' });
    expect((await bed.api.at(90).get('/v1/nodes/a.json?fields=uuid')).status).toBe(200);
    expect((await bed.api.at(91).get('/v1/nodes/a.json')).status).toBe(404);
    expect((await bed.api.at(90).get('/v1/nodes/b.json')).json.uuid).toBe(b.uuid);
    expect((await bed.api.at(91).get('/v1/nodes/b.json')).json.uuid).toBe(b.uuid);
  });
  it('shows what is asked for', async () => {
    const { uuid } = await create();
    const show = (fields: string, version = 115) =>
      bed.api.at(version).get(`/v1/nodes/${uuid}?fields=${fields}`);
    expect(Object.keys((await show('uuid,provision_state')).json)).toEqual([
      'uuid',
      'provision_state',
      'links',
    ]);
    expect((await show('nosuch')).status).toBe(400);
    // Shown with all fields, and not to be asked for: _get_fields_for_node_query.
    expect((await show('created_at')).fault).toBe('Field created_at is not a valid field.');
    expect((await bed.api.get('/v1/nodes?fields=uuid,updated_at')).status).toBe(400);
    expect((await show('shard', 81)).status).toBe(406);
    expect((await show('uuid', 7)).status).toBe(406);
  });
  it('shows each version its own fields', async () => {
    const { uuid } = await create();
    const names = async (version: number) =>
      Object.keys((await bed.api.at(version).get(`/v1/nodes/${uuid}`)).json).toSorted();
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

describe('DELETE /v1/nodes/{ident}', () => {
  it('deletes, and knows nothing of it then', async () => {
    const { uuid } = await create({ name: 'gone' });
    const answer = await bed.api.delete('/v1/nodes/gone');
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect((await bed.api.delete(`/v1/nodes/${uuid}`)).fault).toBe(`Node ${uuid} could not be found.`);
  });
  it('refuses states in which a node is in use', async () => {
    const { uuid } = await create();
    await set(uuid, "provision_state = 'active'");
    const answer = await bed.api.delete(`/v1/nodes/${uuid}`);
    expect(answer.status).toBe(409);
    expect(answer.fault).toContain(`Can not delete node "${uuid}" while it is in provision state "active"`);
  });
});
