// The kinds of calls that other people's suites and clients make, in our own words: ironic-tempest-plugin's API tests,
// gophercloud's acceptance tests, metal3's provisioner. OpenStack's own clients have files of their own beside this one,
// Ironic's access rules component/api/auth/rbac.spec.ts.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../support/api.js';
import { DaemonHome } from '../support/daemon.js';

let home: DaemonHome;
let api: ApiClient;
beforeAll(async () => {
  home = new DaemonHome({ conductor: { node_locked_retry_interval: 0.2, automated_clean: false } });
  api = new ApiClient((await home.start()).url);
});
afterAll(() => home?.remove());

const at = (minor: number) => api.at(minor);
const op = (path: string, value?: unknown) =>
  value === undefined ? { op: 'remove', path } : { op: 'add', path, value };
let count = 0;
const make = async (more: object = {}) => {
  const made = await api.post('/v1/nodes', { driver: 'fake-hardware', name: `n${++count}`, ...more });
  expect([made.status, made.fault ?? '']).toEqual([201, '']);
  return made.json as { uuid: string; name: string } & Record<string, unknown>;
};
const state = async (uuid: string, wanted: string) => {
  for (let i = 0; i < 400; i++) {
    const { provision_state, last_error } = (await api.get(`/v1/nodes/${uuid}`)).json;
    if (provision_state === wanted) return;
    if (String(provision_state).endsWith('failed')) throw new Error(`${provision_state}: ${last_error}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`${uuid} is never ${wanted}`);
};
const provision = async (uuid: string, target: string, wanted: string, more: object = {}) => {
  const asked = await api.put(`/v1/nodes/${uuid}/states/provision`, { target, ...more });
  expect([target, asked.status, asked.fault ?? '']).toEqual([target, 202, '']);
  await state(uuid, wanted);
};
const available = async (more: object = {}) => {
  const { uuid } = await make(more);
  await provision(uuid, 'manage', 'manageable');
  await provision(uuid, 'provide', 'available');
  return uuid;
};

describe('ironic-tempest-plugin', () => {
  it('lists, sets, adds and removes traits below 1.37', async () => {
    const { uuid } = await make();
    const path = `/v1/nodes/${uuid}/traits`;
    const old = at(36);
    expect((await old.get(path)).status).toBe(406);
    expect((await old.put(path, { traits: ['CUSTOM_A'] })).status).toBe(405);
    expect((await old.send('PUT', `${path}/CUSTOM_A`)).status).toBe(405);
    expect((await old.delete(path)).status).toBe(404);
    expect((await old.delete(`${path}/CUSTOM_A`)).status).toBe(404);
    expect((await old.get('/v1/nodes?fields=traits')).status).toBe(406);
    expect((await old.get('/v1/nodes/detail')).json.nodes[0]).not.toHaveProperty('traits');
    expect((await old.get(`/v1/nodes/${uuid}`)).json).not.toHaveProperty('traits');
  });

  it('asks old versions for what is newer: fields, filters, resources', async () => {
    const body = { driver: 'fake-hardware', resource_class: 'rc' };
    expect((await at(20).post('/v1/nodes', body)).status).toBe(406);
    expect((await at(20).get('/v1/nodes?resource_class=rc')).status).toBe(406);
    const { uuid } = await make();
    expect((await at(47).patch(`/v1/nodes/${uuid}`, [op('/protected', true)])).status).toBe(406);
    for (const path of [
      'portgroups',
      'volume',
      'conductors',
      'allocations',
      'deploy_templates',
      'shards',
      'runbooks',
    ]) {
      expect([path, (await at(22).get(`/v1/${path}`)).status]).toEqual([path, 404]);
    }
    expect((await at(54).post('/v1/deploy_templates', {})).status).toBe(405);
  });

  it('sets and resets hardware interfaces', async () => {
    const { uuid } = await make();
    const kinds = (await api.get('/v1/drivers/fake-hardware')).json;
    for (const kind of [
      'bios',
      'boot',
      'deploy',
      'inspect',
      'management',
      'power',
      'raid',
      'rescue',
      'vendor',
    ]) {
      for (const name of kinds[`enabled_${kind}_interfaces`]) {
        const set = await api.patch(`/v1/nodes/${uuid}`, [op(`/${kind}_interface`, name)]);
        expect([kind, name, set.status, set.json[`${kind}_interface`]]).toEqual([kind, name, 200, name]);
      }
      const reset = await api.patch(`/v1/nodes/${uuid}`, [op(`/${kind}_interface`)]);
      expect(reset.json[`${kind}_interface`]).toBe(kinds[`default_${kind}_interface`]);
    }
  });
});

describe('gophercloud', () => {
  it('gives each field of a list in a parameter of its own', async () => {
    const { uuid } = await make();
    const { nodes } = (await api.get('/v1/nodes?fields=uuid&fields=name&fields=driver&limit=1000')).json;
    expect(Object.keys(nodes[0]).toSorted()).toEqual(['driver', 'links', 'name', 'uuid']);
    const one = await api.get(`/v1/nodes/${uuid}?fields=uuid&fields=name`);
    expect(Object.keys(one.json).toSorted()).toEqual(['links', 'name', 'uuid']);
    const short = await api.get('/v1/nodes?fields=uuid&fields=name&limit=1');
    expect(short.json.next).toContain('fields=uuid,name');
    for (const path of [
      'ports',
      'portgroups',
      'chassis',
      'conductors',
      'drivers',
      'allocations',
      'volume/targets',
    ]) {
      const name = path === 'conductors' ? 'hostname' : path === 'drivers' ? 'name' : 'uuid';
      expect([path, (await api.get(`/v1/${path}?fields=${name}&fields=links`)).status]).toEqual([path, 200]);
    }
    for (const filter of ['shard=a&shard=b', 'fields=uuid&fields=shard&shard=a']) {
      expect([filter, (await api.get(`/v1/nodes?${filter}`)).status]).toEqual([filter, 200]);
    }
    expect((await api.get('/v1/nodes?limit=1&limit=2')).status).toBe(400);
  });

  it('makes an ipmi node with the interfaces of Ironic’s defaults, and gives it a RAID', async () => {
    const { uuid, raid_interface } = await make({
      driver: 'ipmi',
      boot_interface: 'pxe',
      raid_interface: 'agent',
      driver_info: { ipmi_address: '192.0.2.1', ipmi_username: 'admin', ipmi_password: 'secret' },
    });
    expect(raid_interface).toBe('agent');
    const disk = { controller: 'software', raid_level: '1', size_gb: 100, is_root_volume: true };
    const set = (config: object) => api.put(`/v1/nodes/${uuid}/states/raid`, config);
    expect((await set({ logical_disks: [disk] })).status).toBe(204);
    expect((await api.get(`/v1/nodes/${uuid}`)).json.target_raid_config).toEqual({ logical_disks: [disk] });
    expect(await set({ logical_disks: [{ ...disk, raid_level: '5' }] })).toMatchObject({
      status: 400,
      fault: expect.stringContaining('requires RAID-1 for the first logical disk'),
    });
    expect((await api.get('/v1/drivers/ipmi/raid/logical_disk_properties')).status).toBe(404);
  });
});

describe('metal3’s provisioner', () => {
  it('finds a host by a port’s address, and changes how it is deployed', async () => {
    const { uuid } = await make({ driver: 'ipmi', boot_interface: 'ipxe', deploy_interface: 'ramdisk' });
    await api.post('/v1/ports', { node_uuid: uuid, address: '52:54:00:99:00:01', pxe_enabled: true });
    const found = await api.get('/v1/ports?address=52:54:00:99:00:01&fields=node_uuid');
    expect(found.json.ports).toMatchObject([{ node_uuid: uuid }]);
    for (const name of ['custom-agent', 'direct', 'ramdisk']) {
      const { status, json } = await api.patch(`/v1/nodes/${uuid}`, [
        { op: 'replace', path: '/deploy_interface', value: name },
      ]);
      expect([status, json.deploy_interface]).toEqual([200, name]);
    }
    for (const name of ['ansible', 'anaconda', 'bootc']) {
      const { status, fault } = await api.patch(`/v1/nodes/${uuid}`, [op('/deploy_interface', name)]);
      expect([status, fault]).toEqual([
        400,
        expect.stringContaining('Could not find the following interface'),
      ]);
    }
  });

  it('deploys a live ISO, changes it, and takes it away', async () => {
    const uuid = await available({ deploy_interface: 'ramdisk' });
    const missing = await api.get(`/v1/nodes/${uuid}/validate`);
    expect(missing.json.deploy).toMatchObject({
      result: false,
      reason: expect.stringContaining("Missing are: ['instance_info.kernel', 'instance_info.ramdisk']"),
    });
    const refused = await api.put(`/v1/nodes/${uuid}/states/provision`, { target: 'active' });
    expect([refused.status, refused.fault]).toEqual([400, expect.stringContaining('instance_info.boot_iso')]);
    const iso = op('/instance_info/boot_iso', 'http://images/live.iso');
    await api.patch(`/v1/nodes/${uuid}`, [iso, op('/instance_uuid', crypto.randomUUID())]);
    expect((await api.get(`/v1/nodes/${uuid}/validate`)).json.deploy).toEqual({ result: true });
    await provision(uuid, 'active', 'active', { configdrive: { meta_data: { name: 'x' }, user_data: '' } });
    const active = (await api.get(`/v1/nodes/${uuid}`)).json;
    expect(active).toMatchObject({ power_state: 'power on', last_error: null });
    expect((await api.get(`/v1/nodes/${uuid}/management/boot_device`)).json).toEqual({
      boot_device: 'pxe',
      persistent: true,
    });
    await api.patch(`/v1/nodes/${uuid}`, [
      op('/instance_info/boot_iso'),
      op('/instance_info/kernel', 'http://images/k'),
      op('/instance_info/ramdisk', 'http://images/r'),
    ]);
    await provision(uuid, 'rebuild', 'active');
    await provision(uuid, 'deleted', 'available');
    expect((await api.get(`/v1/nodes/${uuid}`)).json).toMatchObject({
      instance_info: {},
      power_state: 'power off',
    });
  });

  it('refuses steps that no agent would run, and says why', async () => {
    const uuid = await available({ deploy_interface: 'ramdisk', raid_interface: 'agent' });
    await api.patch(`/v1/nodes/${uuid}`, [op('/instance_info/boot_iso', 'http://images/live.iso')]);
    const step = (name: string, priority: number) => ({
      target: 'active',
      deploy_steps: [
        { interface: 'raid', step: name, priority, args: { raid_config: { logical_disks: [] } } },
      ],
    });
    const asked = await api.put(`/v1/nodes/${uuid}/states/provision`, step('apply_configuration', 90));
    expect([asked.status, asked.fault]).toEqual([400, expect.stringContaining('does not boot')]);
    await api.patch(`/v1/nodes/${uuid}`, [op('/deploy_interface', 'custom-agent')]);
    const late = await api.put(`/v1/nodes/${uuid}/states/provision`, step('apply_configuration', 30));
    expect(late.status).toBe(400);
    expect(late.fault).toContain('30 is not between them');
  });

  it('builds a RAID of a fake machine by the agent’s steps, and deletes it', async () => {
    const { uuid } = await make({ raid_interface: 'agent' });
    await provision(uuid, 'manage', 'manageable');
    const disk = { controller: 'software', raid_level: '1', size_gb: 100, is_root_volume: true };
    await api.put(`/v1/nodes/${uuid}/states/raid`, { logical_disks: [disk] });
    const clean = (...names: string[]) =>
      provision(uuid, 'clean', 'manageable', {
        clean_steps: names.map((step) => ({ interface: 'raid', step })),
      });
    await clean('delete_configuration', 'create_configuration');
    const made = (await api.get(`/v1/nodes/${uuid}`)).json;
    expect(made.raid_config).toMatchObject({ logical_disks: [disk] });
    expect(made.properties).toMatchObject({ local_gb: 100, capabilities: 'raid_level:1' });
    await clean('delete_configuration');
    expect((await api.get(`/v1/nodes/${uuid}`)).json.raid_config).toEqual({});
  });
});
