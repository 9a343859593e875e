import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ApiClient, startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let api: ApiClient;
let node: string;
beforeAll(async () => {
  database = await startTestDatabase();
  server = await startApi(database);
  api = server.api;
});
beforeEach(async () => {
  node = (await api.post('/v1/nodes', { driver: 'fake-hardware' })).json.uuid;
});
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

const set = (columns: string) => database.source.query(`update node set ${columns} where uuid = $1`, [node]);
const provision = (body: object, version = 115) =>
  api.at(version).put(`/v1/nodes/${node}/states/provision`, body);
const drive = async (target: string, state: string, more: object = {}) => {
  const answer = await provision({ target, ...more });
  expect([target, answer.status, answer.fault]).toEqual([target, 202, '']);
  await server.settle(node, state);
  return answer;
};

describe('the life of a node', () => {
  it('goes over the wire', async () => {
    const answer = await drive('manage', 'manageable');
    expect([answer.text, answer.headers.get('content-type')]).toEqual(['', null]);
    expect(answer.headers.get('location')).toBe(`${api.base}/v1/nodes/${node}/states`);
    await drive('provide', 'available');
    await drive('active', 'active', { configdrive: { meta_data: { a: 'canary' } } });
    const states = (await api.get(`/v1/nodes/${node}/states`)).json;
    expect(states).toMatchObject({
      provision_state: 'active',
      target_provision_state: null,
      power_state: 'power on',
      last_error: null,
      console_enabled: false,
      raid_config: {},
      boot_mode: null,
    });
    expect((await api.get(`/v1/nodes/${node}`)).text).not.toContain('canary');
    await drive('rebuild', 'active');
    await drive('deleted', 'available');
    expect((await api.get(`/v1/nodes/${node}`)).json.instance_info).toEqual({});

    const history = (await api.get(`/v1/nodes/${node}/history?limit=3`)).json;
    expect(Object.keys(history.history[0])).toEqual(['uuid', 'created_at', 'severity', 'event', 'links']);
    const all = (await api.get(`/v1/nodes/${node}/history?detail=true`)).json.history;
    const walked = all.map((entry: { state: string }) => entry.state).filter(Boolean);
    const settled = ['enroll', 'manageable', 'available', 'active', 'active', 'available'];
    expect(walked.filter((state: string) => settled.includes(state))).toEqual(settled);
    expect(walked.at(-1)).toBe('available');
    const second = (await api.get(history.next.slice(api.base.length))).json.history;
    expect(second[0].uuid).toBe(all[3].uuid);
    const one = await api.get(`/v1/nodes/${node}/history/${all[1].uuid}`);
    expect(one.json).toMatchObject({
      uuid: all[1].uuid,
      state: 'verifying',
      event_type: 'provision',
      user: null,
    });
    expect(
      Object.keys((await api.at(112).get(`/v1/nodes/${node}/history/${all[1].uuid}`)).json),
    ).not.toContain('project');
    expect((await api.at(77).get(`/v1/nodes/${node}/history`)).status).toBe(404);
    const desc = (await api.get(`/v1/nodes/${node}/history?sort_dir=desc&limit=1`)).json.history;
    expect(desc[0].uuid).toBe(all.at(-1).uuid);
  });
  it('shows the step under way', async () => {
    await set(`driver_info = '{"fake_delay_deploy": 1.5}'`);
    await drive('manage', 'manageable');
    await drive('provide', 'available');
    await provision({ target: 'active' });
    const seen: object[] = [];
    for (let state = ''; state !== 'active'; ) {
      const { json } = await api.get(`/v1/nodes/${node}?fields=deploy_step,clean_step,provision_state`);
      state = json.provision_state;
      seen.push(json.deploy_step);
      expect(json.clean_step).toEqual({});
    }
    expect(seen).toContainEqual(
      expect.objectContaining({ step: 'deploy', interface: 'deploy', priority: 100 }),
    );
    expect(seen.at(-1)).toEqual({});
  });
});

describe('PUT states/provision', () => {
  it.each<[object, number, number, string]>([
    [{}, 115, 400, 'Missing mandatory parameter: target'],
    [{ target: 'nosuch' }, 115, 400, 'The requested action "nosuch" can not be performed on node'],
    [{ target: 'active' }, 115, 400, 'while it is in state "enroll"'],
    [{ target: 5 }, 115, 400, 'Expected string for target'],
    [{ target: 'manage', nosuch: 1 }, 115, 400, 'Unexpected arguments: nosuch'],
    [{ target: 'manage' }, 3, 406, 'Request not acceptable.'],
    [
      { target: 'manage', configdrive: 'AAAA' },
      115,
      400,
      'Adding a config drive is only supported when setting provision state to active, rebuild',
    ],
    [{ target: 'manage', configdrive: 'AAAA' }, 34, 400, 'when setting provision state to active'],
    [
      { target: 'manage', clean_steps: [{}] },
      115,
      400,
      '"clean_steps" is only valid when setting target provision state to clean',
    ],
    [{ target: 'manage', deploy_steps: [{}] }, 68, 406, 'should be 1.69'],
    [{ target: 'manage', deploy_steps: [{}] }, 115, 400, '"deploy_steps" is only valid'],
    [{ target: 'manage', rescue_password: 'canary' }, 115, 400, '"rescue_password" is only valid'],
    [{ target: 'manage', service_steps: [{}] }, 115, 400, '"service_steps" is only valid'],
    [{ target: 'manage', disable_ramdisk: true }, 115, 400, 'disable_ramdisk is supported only with'],
    [{ target: 'manage', runbook: 'x' }, 115, 404, 'Runbook x could not be found.'],
    [{ target: 'unhold' }, 84, 400, 'The requested action "unhold" can not be performed'],
    [{ target: 'service' }, 86, 400, 'The requested action "service" can not be performed'],
    [{ target: 'undeploy' }, 72, 400, 'The requested action "undeploy" can not be performed'],
  ])('from enroll, %j at 1.%i: %i', async (body, version, status, fault) => {
    const answer = await provision(body, version);
    expect(answer.fault).toContain(fault);
    expect(answer.status).toBe(status);
    expect(answer.text).not.toContain('canary');
  });
  it.each<[object, number, string]>([
    [{ target: 'clean' }, 400, '"clean_steps" is required'],
    [{ target: 'clean', clean_steps: [{ interface: 'deploy', step: '' }] }, 400, 'Invalid clean_steps'],
    [{ target: 'clean', clean_steps: [{ interface: 'nosuch', step: 'x' }] }, 400, 'Invalid clean_steps'],
    [
      { target: 'clean', clean_steps: [{ interface: 'deploy', step: 'x', more: 1 }] },
      400,
      'Invalid clean_steps',
    ],
    [{ target: 'clean', clean_steps: 'x' }, 400, 'Expected a list for clean_steps'],
    [{ target: 'inspect' }, 400, 'does not support inspect'],
  ])('from manageable, %j', async (body, status, fault) => {
    await set("provision_state = 'manageable', inspect_interface = 'no-inspect'");
    const answer = await provision(body);
    expect(answer.fault).toContain(fault);
    expect(answer.status).toBe(status);
  });
  it.each<[object, number, number, string]>([
    [{ configdrive: 'not base64!' }, 115, 400, 'neither a JSON, nor a URL, nor a base64 string'],
    [{ configdrive: { nosuch: {} } }, 115, 400, 'Invalid configdrive format'],
    [{ configdrive: { meta_data: 'x' } }, 115, 400, 'Invalid configdrive format: meta_data'],
    [{ configdrive: [] }, 115, 400, 'Invalid configdrive format'],
    [
      { configdrive: { meta_data: {} } },
      55,
      400,
      'Providing a JSON object for configdrive is only supported starting with API version 1.56',
    ],
    [{ configdrive: { vendor_data: {} } }, 58, 400, 'starting with API version 1.59'],
    [{ deploy_steps: [{ interface: 'deploy', step: 'x' }] }, 115, 400, 'Invalid deploy_steps'],
  ])('active with %j at 1.%i', async (body, version, status, fault) => {
    await set("provision_state = 'available'");
    const answer = await provision({ target: 'active', ...body }, version);
    expect(answer.fault).toContain(fault);
    expect(answer.status).toBe(status);
  });
  it('refuses to deploy in maintenance, and aborts from their versions on', async () => {
    await set("provision_state = 'available', maintenance = true");
    expect((await provision({ target: 'active' })).fault).toContain("because it's in maintenance mode");
    await set("provision_state = 'wait call-back'");
    expect((await provision({ target: 'abort' }, 109)).status).toBe(406);
    await set("provision_state = 'inspect wait'");
    expect((await provision({ target: 'abort' }, 40)).status).toBe(406);
  });
  it('answers 409 for an illegal verb while the node is locked', async () => {
    await set(
      "provision_state = 'deploying', reservation = 'c', reservation_expires_at = now() + interval '1 minute'",
    );
    expect((await provision({ target: 'active' })).status).toBe(409);
    await set('reservation = null');
    expect((await provision({ target: 'active' })).status).toBe(400);
  });
});

describe('PUT states/power', () => {
  const power = (body: object, version = 115) => api.at(version).put(`/v1/nodes/${node}/states/power`, body);
  it('changes the power', async () => {
    const answer = await power({ target: 'power on' });
    expect([answer.status, answer.headers.get('location')]).toEqual([
      202,
      `${api.base}/v1/nodes/${node}/states`,
    ]);
    for (let i = 0; i < 100; i += 1) {
      const { power_state, target_power_state } = (await api.get(`/v1/nodes/${node}/states`)).json;
      if (power_state === 'power on' && target_power_state === null) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('the power did not come on');
  });
  it.each<[object, number, number, string]>([
    [{ target: 'nosuch' }, 115, 400, 'while it is in state "None".'],
    [{}, 115, 400, 'Missing mandatory parameter: target'],
    [{ target: 'soft power off' }, 26, 406, 'Request not acceptable.'],
    [{ target: 'power on', timeout: 5 }, 26, 406, 'Request not acceptable.'],
    [{ target: 'power on', timeout: 0 }, 115, 400, 'timeout has to be positive integer'],
    [{ target: 'power on', timeout: 'x' }, 115, 400, 'Expected an integer for timeout'],
  ])('%j at 1.%i: %i', async (body, version, status, fault) => {
    const answer = await power(body, version);
    expect([answer.status, answer.fault]).toEqual([status, expect.stringContaining(fault)]);
  });
  it('leaves nodes alone that are cleaned or must stay on', async () => {
    for (const state of ['cleaning', 'clean wait']) {
      // The lock is the cleaning's own: 400 all the same, not 409.
      await set(
        `provision_state = '${state}', reservation = 'c', reservation_expires_at = now() + interval '1 minute'`,
      );
      expect((await power({ target: 'power on' })).fault).toContain(`in state "${state}"`);
    }
    await set("provision_state = 'active', reservation = null, disable_power_off = true");
    for (const target of ['power off', 'soft power off']) {
      expect(await power({ target })).toMatchObject({
        status: 409,
        fault: `Failed to set node power state to ${target}.`,
      });
    }
  });
});

describe('the rest', () => {
  it('sets and clears maintenance', async () => {
    expect((await api.put(`/v1/nodes/${node}/maintenance`, { reason: 'fan broken' })).status).toBe(202);
    const shown = async () =>
      (await api.get(`/v1/nodes/${node}?fields=maintenance,maintenance_reason,fault`)).json;
    expect(await shown()).toMatchObject({ maintenance: true, maintenance_reason: 'fan broken' });
    await set("fault = 'power failure'");
    expect((await api.delete(`/v1/nodes/${node}/maintenance`)).status).toBe(202);
    expect(await shown()).toMatchObject({ maintenance: false, maintenance_reason: null, fault: null });
    expect((await api.send('PUT', `/v1/nodes/${node}/maintenance`)).status).toBe(202);
    expect((await api.put(`/v1/nodes/${node}/maintenance`, { reason: 5 })).status).toBe(400);
  });
  it('validates by both addresses', async () => {
    const report = await api.get(`/v1/nodes/${node}/validate`);
    expect(report.json).toMatchObject({ power: { result: true }, deploy: { result: true } });
    expect((await api.get(`/v1/nodes/validate?node=${node}`)).json).toEqual(report.json);
    expect((await api.get('/v1/nodes/nosuch/validate')).status).toBe(404);
  });
  it('reads and sets the boot device', async () => {
    const url = `/v1/nodes/${node}/management/boot_device`;
    expect((await api.get(`${url}/supported`)).json.supported_boot_devices).toContain('pxe');
    expect((await api.get(url)).json).toEqual({ boot_device: 'pxe', persistent: false });
    expect((await api.put(url, { boot_device: 'pxe', persistent: true })).status).toBe(204);
    expect((await api.get(url)).json).toEqual({ boot_device: 'pxe', persistent: true });
    expect((await api.put(url, { boot_device: 'nosuch' })).status).toBe(400);
    expect((await api.put(url, {})).fault).toBe('Missing mandatory parameter: boot_device');
  });
  it('lists drivers by version', async () => {
    const names = async (version: number, query = '') =>
      Object.keys((await api.at(version).get(`/v1/drivers${query}`)).json.drivers[0]);
    expect(await names(1)).toEqual(['name', 'hosts', 'links']);
    expect(await names(14)).toEqual(['name', 'hosts', 'links', 'properties']);
    expect(await names(30)).toContain('type');
    expect(await names(30, '?detail=true')).toContain('default_power_interface');
    expect(await names(85, '?detail=true')).not.toContain('default_firmware_interface');
    expect(await names(77, '?fields=name')).toEqual(['name', 'links']);
    expect((await api.at(29).get('/v1/drivers?detail=true')).status).toBe(406);
    expect((await api.at(76).get('/v1/drivers?fields=name')).status).toBe(406);
    expect((await api.get('/v1/drivers?type=nosuch')).status).toBe(400);
    expect((await api.get('/v1/drivers?type=classic')).json).toEqual({ drivers: [] });
    const one = (await api.get('/v1/drivers/fake-hardware')).json;
    expect(one).toMatchObject({
      name: 'fake-hardware',
      hosts: ['conductor-1'],
      type: 'dynamic',
      default_deploy_interface: 'fake',
    });
    expect((await api.get('/v1/drivers/nosuch')).fault).toBe(
      'Could not find the following driver(s) or hardware type(s): nosuch.',
    );
    expect((await api.get('/v1/drivers/fake-hardware/properties')).status).toBe(200);
    expect((await api.get('/v1/drivers/nosuch/properties')).status).toBe(404);
  });
  it('lists conductors', async () => {
    const { conductors } = (await api.get('/v1/conductors')).json;
    expect(conductors).toEqual([
      {
        hostname: 'conductor-1',
        conductor_group: '',
        alive: true,
        links: [
          { href: `${api.base}/v1/conductors/conductor-1`, rel: 'self' },
          { href: `${api.base}/conductors/conductor-1`, rel: 'bookmark' },
        ],
      },
    ]);
    expect((await api.get('/v1/conductors/conductor-1')).json.drivers).toEqual(['fake-hardware']);
    expect((await api.get('/v1/conductors/nosuch')).status).toBe(404);
    expect((await api.get('/v1/conductors?sort_key=alive')).status).toBe(400);
    expect((await api.get('/v1/conductors?limit=1')).json.next).toContain('marker=conductor-1');
    expect((await api.get('/v1/conductors?marker=conductor-1')).json).toEqual({ conductors: [] });
  });
});
