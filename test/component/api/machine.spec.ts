import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ApiClient, startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let api: ApiClient;
let node: string;
let path: string;
beforeAll(async () => {
  database = await startTestDatabase();
  server = await startApi(database);
  api = server.api;
});
beforeEach(async () => {
  node = (await api.post('/v1/nodes', { driver: 'fake-hardware' })).json.uuid;
  path = `/v1/nodes/${node}`;
});
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

const set = (columns: string) => database.source.query(`update node set ${columns} where uuid = $1`, [node]);
const settings = (driver_info: object) =>
  api.patch(path, [{ op: 'replace', path: '/driver_info', value: driver_info }]);
const without = (kind: string) => set(`${kind}_interface = 'no-${kind}'`);
/** The node's fields, once one of them is what was waited for. */
const until = async (field: string, value: unknown) => {
  for (let i = 0; i < 300; i++) {
    const { json } = await api.get(path);
    if (json[field] === value || (value === undefined && json[field])) return json;
    await sleep(10);
  }
  throw new Error(`${field} is not ${String(value)}: ${(await api.get(path)).text}`);
};
const cleaning = async (...clean_steps: object[]) => {
  await set("provision_state = 'manageable'");
  const answer = await api.put(`${path}/states/provision`, { target: 'clean', clean_steps });
  expect([answer.status, answer.fault]).toEqual([202, '']);
  return server.settle(node, 'manageable', 'clean failed');
};
const refusal = (extension: string) =>
  `Driver fake-hardware does not support ${extension} (disabled or not implemented).`;

describe('states/console', () => {
  it('is enabled and disabled, by body or query', async () => {
    const console = `${path}/states/console`;
    expect((await api.get(console)).json).toEqual({ console_enabled: false, console_info: null });
    const answer = await api.put(console, { enabled: true });
    expect([answer.status, answer.text]).toEqual([202, '']);
    expect(answer.headers.get('location')).toBe(`${api.base}${console}`);
    await until('console_enabled', true);
    expect((await api.get(console)).json).toEqual({ console_enabled: true, console_info: {} });
    expect((await api.send('PUT', `${console}?enabled=false`)).status).toBe(202);
    await until('console_enabled', false);
    // Nothing to be done: no operation is left behind.
    await api.put(console, { enabled: false });
    const open = await database.source.query(
      `select 1 from operation where node_uuid = $1 and finished_at is null`,
      [node],
    );
    expect(open).toEqual([]);
  });
  it('says why it failed, and refuses where there is none', async () => {
    await settings({ fake_fail_console: 'no socat' });
    await api.put(`${path}/states/console`, { enabled: true });
    const { last_error, console_enabled } = await until('last_error', undefined);
    expect(last_error).toContain(`Error enabling the console on node ${node}. Reason: no socat`);
    expect(console_enabled).toBe(false);
    await without('console');
    expect(await api.put(`${path}/states/console`, { enabled: true })).toMatchObject({
      status: 400,
      fault: refusal('console'),
    });
    expect((await api.put(`${path}/states/console`, {})).fault).toContain('Missing mandatory parameter');
  });
});

describe('states/boot_mode and secure_boot', () => {
  it('are set, shown, and gated by version', async () => {
    expect((await api.at(75).put(`${path}/states/boot_mode`, { target: 'bios' })).status).toBe(404);
    expect((await api.put(`${path}/states/boot_mode`, { target: 'bios' })).status).toBe(202);
    await until('boot_mode', 'bios');
    expect((await api.put(`${path}/states/secure_boot`, { target: 'True' })).status).toBe(202);
    await until('secure_boot', true);
    expect((await api.get(`${path}/states`)).json).toMatchObject({ boot_mode: 'bios', secure_boot: true });
    expect((await api.put(`${path}/states/boot_mode`, { target: 'coreboot' })).fault).toContain(
      'Allowed boot modes are: bios, uefi',
    );
  });
  it('are refused in transitions; a driver that cannot says so in last_error, as upstream', async () => {
    await set("provision_state = 'deploying'");
    expect((await api.put(`${path}/states/boot_mode`, { target: 'bios' })).status).toBe(409);
    await set("provision_state = 'manageable', management_interface = 'noop'");
    expect((await api.put(`${path}/states/secure_boot`, { target: true })).status).toBe(202);
    const { last_error } = await until('last_error', undefined);
    expect(last_error).toContain(refusal('set_secure_boot_state'));
  });
});

describe('management', () => {
  it('injects an NMI', async () => {
    expect((await api.at(28).put(`${path}/management/inject_nmi`, {})).status).toBe(404);
    expect((await api.put(`${path}/management/inject_nmi`, {})).status).toBe(204);
    await set("management_interface = 'noop'");
    expect(await api.put(`${path}/management/inject_nmi`, {})).toMatchObject({
      status: 400,
      fault: refusal('inject_nmi'),
    });
  });
  it('knows the lights of the machine', async () => {
    const lights = `${path}/management/indicators`;
    const { indicators } = (await api.get(lights)).json;
    expect(indicators).toMatchObject([
      { name: 'led-0@chassis', component: 'chassis', readonly: true, states: ['off', 'on'] },
      { name: 'led@system', component: 'system', readonly: false, states: ['blinking', 'off', 'on'] },
    ]);
    expect(indicators[1].links[0].href).toBe(`${api.base}${lights}/led@system`);
    expect((await api.get(`${lights}/system`)).json.indicators).toHaveLength(1);
    expect((await api.get(`${lights}/led@system`)).json).toEqual({ state: 'on' });
    expect((await api.put(`${lights}/system/led`, { state: 'BLINKING' })).status).toBe(204);
    expect((await api.get(`${lights}/system/led`)).json).toEqual({ state: 'blinking' });
    expect((await api.put(`${lights}/led-0@chassis`, { state: 'off' })).fault).toContain('read-only');
    expect((await api.get(`${lights}/led@nosuch`)).fault).toBe('Invalid component nosuch specified.');
    expect((await api.get(`${lights}/led`)).fault).toBe('Malformed indicator name "led"');
  });
});

describe('RAID', () => {
  const target = { logical_disks: [{ raid_level: '1', size_gb: 100, is_root_volume: true }] };
  it('takes a target by its schema, which a cleaning makes real', async () => {
    expect((await api.at(11).put(`${path}/states/raid`, target)).status).toBe(406);
    expect((await api.put(`${path}/states/raid`, target)).status).toBe(204);
    expect((await api.get(path)).json.target_raid_config).toEqual(target);
    await cleaning({ interface: 'raid', step: 'create_configuration' });
    expect((await api.get(path)).json.raid_config).toMatchObject(target);
    await cleaning({ interface: 'raid', step: 'delete_configuration' });
    expect((await api.get(path)).json.raid_config).toEqual({});
    expect((await api.put(`${path}/states/raid`, {})).status).toBe(204);
  });
  it.each<[object, string]>([
    [{}, ''],
    [{ logical_disks: [] }, 'RAID config validation error'],
    [{ logical_disks: [{ raid_level: '9', size_gb: 1 }] }, 'RAID config validation error'],
    [{ logical_disks: [{ raid_level: '0' }] }, 'RAID config validation error'],
    [{ logical_disks: [{ raid_level: '0', size_gb: 1, physical_disks: ['a'] }] }, 'controller'],
    [
      { logical_disks: [1, 2].map(() => ({ raid_level: '0', size_gb: 'MAX', is_root_volume: true })) },
      'cannot have more than one root volume. 2 root volumes',
    ],
  ])('judges %j', async (config, fault) => {
    expect((await api.put(`${path}/states/raid`, config)).fault).toContain(fault);
  });
  it('is not there without the interface; the driver tells what a disk may say', async () => {
    await without('raid');
    expect(await api.put(`${path}/states/raid`, target)).toMatchObject({
      status: 404,
      fault: refusal('raid'),
    });
    const properties = await api.get('/v1/drivers/fake-hardware/raid/logical_disk_properties');
    expect(properties.json['size_gb']).toContain('Size in GiB');
    expect(Object.keys(properties.json)).toHaveLength(10);
    expect(await api.get('/v1/drivers/nosuch/raid/logical_disk_properties')).toMatchObject({
      status: 404,
      fault: "The driver 'nosuch' is unknown.",
    });
  });
});

describe('BIOS settings and firmware', () => {
  it('are what the steps set', async () => {
    expect((await api.get(`${path}/bios`)).json).toEqual({ bios: [] });
    const apply = (list: object[]) =>
      cleaning({ interface: 'bios', step: 'apply_configuration', args: { settings: list } });
    await apply([
      { name: 'hyperthreading', value: 'enabled' },
      { name: 'sriov', value: 'off' },
    ]);
    const { bios } = (await api.get(`${path}/bios`)).json;
    expect(bios).toMatchObject([
      { name: 'hyperthreading', value: 'enabled', updated_at: null },
      { name: 'sriov', value: 'off' },
    ]);
    expect(Object.keys(bios[0]).toSorted()).toEqual(['created_at', 'links', 'name', 'updated_at', 'value']);
    await apply([{ name: 'sriov', value: 'on' }]);
    const one = (await api.get(`${path}/bios/sriov`)).json;
    expect(one.sriov).toMatchObject({ value: 'on', attribute_type: null, allowable_values: [] });
    expect(one.sriov.updated_at).toMatch(/^20/);
    expect((await api.at(73).get(`${path}/bios/sriov`)).json.sriov).not.toHaveProperty('unique');
    expect((await api.get(`${path}/bios?fields=name`)).json.bios[0]).not.toHaveProperty('value');
    expect((await api.get(`${path}/bios?detail=true`)).json.bios[0]).toHaveProperty('read_only', null);
    expect((await api.at(73).get(`${path}/bios?fields=name`)).status).toBe(400);
    expect(await api.get(`${path}/bios/hyperthreading`)).toMatchObject({
      status: 404,
      fault: `Node ${node} doesn't have a BIOS setting 'hyperthreading'`,
    });
    await cleaning({ interface: 'bios', step: 'factory_reset' });
    expect((await api.get(`${path}/bios`)).json).toEqual({ bios: [] });
  });
  it('keep the first version of a firmware beside the newest', async () => {
    const update = (url: string) =>
      cleaning({ interface: 'firmware', step: 'update', args: { settings: [{ component: 'bmc', url }] } });
    await update('http://images/1.0');
    await update('http://images/2.0');
    const { firmware } = (await api.get(`${path}/firmware`)).json;
    expect(firmware).toMatchObject([
      {
        component: 'bmc',
        initial_version: '1.0',
        current_version: '2.0',
        last_version_flashed: '2.0',
        vendor: null,
      },
    ]);
    expect((await api.at(113).get(`${path}/firmware`)).json.firmware[0]).not.toHaveProperty('vendor');
    expect((await api.at(113).get(`${path}/firmware?fields=vendor`)).status).toBe(400);
    expect((await api.at(85).get(`${path}/firmware`)).status).toBe(404);
  });
  it('fail with their step', async () => {
    await settings({ fake_fail_factory_reset: 'jumper set' });
    const failed = await cleaning({ interface: 'bios', step: 'factory_reset' });
    expect(failed).toMatchObject({ provision_state: 'clean failed', fault: 'clean failure' });
    expect(failed.last_error).toContain('jumper set');
  });
});

it('keeps the inventory that an inspection found', async () => {
  expect(await api.get(`${path}/inventory`)).toMatchObject({
    status: 404,
    fault: `Node inventory record for node ${node} could not be found.`,
  });
  await settings({ fake_inventory: { cpu: { count: 8 } } });
  await set("provision_state = 'manageable'");
  await api.put(`${path}/states/provision`, { target: 'inspect' });
  await server.settle(node, 'manageable');
  expect((await api.get(`${path}/inventory`)).json).toEqual({
    inventory: { cpu: { count: 8 } },
    plugin_data: {},
  });
  expect((await api.at(80).get(`${path}/inventory`)).status).toBe(404);
});

describe('vmedia', () => {
  it('is attached, listed and detached', async () => {
    const media = `${path}/vmedia`;
    const image_url = 'http://user:canary@images/boot.iso';
    expect((await api.at(88).post(media, { device_type: 'cdrom', image_url })).status).toBe(404);
    const answer = await api.post(media, { device_type: 'cdrom', image_url });
    expect([answer.status, answer.text]).toEqual([204, '']);
    for (let i = 0; i < 300 && !(await api.get(media)).text.includes('boot.iso'); i++) await sleep(10);
    expect((await api.get(media)).json).toEqual([
      { media_types: ['USBStick'], image: null, inserted: false },
      { media_types: ['CD', 'DVD'], image: image_url, inserted: true },
      { media_types: ['Floppy'], image: null, inserted: false },
    ]);
    const steps = await database.source.query(`select args::text from operation_step`);
    expect(JSON.stringify(steps)).not.toContain('canary');
    expect((await api.delete(`${media}?device_types=cdrom`)).status).toBe(204);
    for (let i = 0; i < 300 && (await api.get(media)).text.includes('boot.iso'); i++) await sleep(10);
    expect((await api.get(media)).json.every((device: { inserted: boolean }) => !device.inserted)).toBe(true);
    expect((await api.at(92).get(media)).status).toBe(404);
  });
  it.each<[object, string]>([
    [{ device_type: 'tape', image_url: 'http://x/y' }, 'Invalid device type(s) tape'],
    [{ device_type: 'disk', image_url: '/etc/passwd' }, 'Unsupported or missing URL scheme'],
    [{ device_type: 'disk' }, 'Missing mandatory parameter: image_url'],
    [{ device_type: 'disk', image_url: 'http://x/y', more: 1 }, 'Unexpected arguments'],
  ])('refuses %j', async (body, fault) => {
    expect(await api.post(`${path}/vmedia`, body)).toMatchObject({
      status: 400,
      fault: expect.stringContaining(fault),
    });
  });
});

describe('vendor_passthru', () => {
  it('lists and calls methods, at once or later', async () => {
    const methods = (await api.get(`${path}/vendor_passthru/methods`)).json;
    expect(Object.keys(methods)).toEqual([
      'fourth_method_shared_lock',
      'log_passthrough',
      'second_method',
      'third_method_sync',
    ]);
    expect(methods['third_method_sync']).toEqual({
      http_methods: ['POST'],
      async: false,
      attach: false,
      require_exclusive_lock: true,
      description: 'Test if the value of bar is meow',
    });
    const call = (name: string, body: object, method = 'POST') =>
      api.send(method, `${path}/vendor_passthru/${name}`, body);
    const sync = await call('third_method_sync', { bar: 'meow' });
    expect([sync.status, sync.text]).toEqual([200, 'true']);
    expect((await call('third_method_sync', { bar: 'woof' })).text).toBe('false');
    expect(await call('second_method', { bar: 'canary' })).toMatchObject({ status: 202, text: '' });
    expect(await call('fourth_method_shared_lock', { bar: 'woof' })).toMatchObject({ status: 202 });
    expect((await call('second_method', {})).fault).toBe(
      "Parameter 'bar' not passed to method 'second_method'.",
    );
    expect((await call('nosuch', {})).fault).toBe('No handler for method nosuch');
    expect((await call('second_method', { bar: 'x' }, 'PUT')).fault).toBe(
      'The method second_method does not support HTTP PUT',
    );
    const named = await api.post(`${path}/vendor_passthru?method=third_method_sync`, { bar: 'meow' });
    expect(named.text).toBe('true');
    expect((await api.post(`${path}/vendor_passthru`, {})).fault).toBe('Missing mandatory parameter: method');
    const steps = await database.source.query(`select args::text from operation_step`);
    expect(JSON.stringify(steps)).not.toContain('canary');
  });
  it('tells of a failure that nobody waited for', async () => {
    await settings({ fake_fail_second_method: 'vendor on holiday' });
    const body = { bar: 'kazoo' };
    for (let i = 0; i < 100; i++) {
      // The action before may still be under way.
      if ((await api.post(`${path}/vendor_passthru/second_method`, body)).status === 202) break;
      await sleep(10);
    }
    expect((await until('last_error', undefined)).last_error).toContain('vendor on holiday');
  });
  it('of a hardware type has no methods yet, and says so', async () => {
    const driver = '/v1/drivers/fake-hardware/vendor_passthru';
    expect((await api.get(`${driver}/methods`)).json).toEqual({});
    expect(await api.post(`${driver}/anything`, {})).toMatchObject({
      status: 400,
      fault: 'No handler for method anything',
    });
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      const body = method === 'GET' || method === 'DELETE' ? undefined : {};
      expect(await api.send(method, `${driver}?method=anything`, body)).toMatchObject({ status: 400 });
    }
    expect(await api.get('/v1/drivers/nosuch/vendor_passthru/methods')).toMatchObject({
      status: 404,
      fault: "The driver 'nosuch' is unknown.",
    });
  });
});

it('stops the console of an instance that is torn down, and keeps it enabled for the next', async () => {
  await set("provision_state = 'active', console_enabled = true");
  await api.put(`${path}/states/provision`, { target: 'deleted' });
  expect((await server.settle(node, 'available')).console_enabled).toBe(true);
});
