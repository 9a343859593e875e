import { describe, expect, it, vi } from 'vitest';
import type { Json } from '../../../src/domain/json.js';
import {
  BMC,
  database,
  enrol,
  inspect,
  MAC,
  MISS,
  node,
  post,
  postTogether,
  REPORT,
  restart,
  server,
  shown,
  start,
  useInspectionBed,
  verb,
  withBmc,
} from '../../support/inspection-bed.js';

useInspectionBed();

describe('an inspection', () => {
  it('boots a ramdisk, takes its report, writes down what it found and powers off', async () => {
    await inspect();
    expect((await shown())['driver_internal_info']).toMatchObject({ lookup_bmc_addresses: [BMC] });
    const answer = await post(withBmc(BMC, { logs: 'H4sIAAAA', api: { auth_token: 'canary' } }), '', null);
    expect([answer.status, answer.json]).toEqual([202, { uuid: node }]);
    const after = await server.settle(node, 'manageable', 'inspect failed');
    expect(after).toMatchObject({
      provision_state: 'manageable',
      last_error: null,
      power_state: 'power off',
    });
    expect(after.properties).toEqual({ cpu_arch: 'x86_64' });
    expect(after.inspection_finished_at).toBeInstanceOf(Date);
    expect(Object.keys(after.driver_internal_info).filter((key) => !key.startsWith('fake_'))).toEqual([]);
    const { ports } = (await server.api.get(`/v1/nodes/${node}/ports/detail`)).json;
    expect(ports).toMatchObject([{ address: MAC, pxe_enabled: false }]);
    const kept = (await server.api.get(`/v1/nodes/${node}/inventory`)).json;
    expect(kept.inventory).toEqual({ ...REPORT.inventory, bmc_address: BMC });
    expect(kept.plugin_data).toMatchObject({ macs: [MAC], api: { auth_token: '******' }, root_disk: {} });
    expect(kept.plugin_data).not.toHaveProperty('logs');
    expect(await server.states(node)).toEqual([
      'enroll',
      'verifying',
      'manageable',
      'inspecting',
      'inspect wait',
      'inspecting',
      'manageable',
    ]);
    const reports = await database.source.query('select * from inspection_report');
    expect(reports).toEqual([]);
  });
  it('fails with the ramdisk’s error, keeps its logs, and can be tried again', async () => {
    await inspect();
    expect((await post(withBmc(BMC, { error: 'disk on fire', logs: 'H4sIAAAA' }))).status).toBe(202);
    const failed = await server.settle(node, 'inspect failed');
    expect(failed.last_error).toContain('Ramdisk reported error: disk on fire');
    expect(failed.power_state).toBe('power off');
    expect((await server.api.get(`/v1/nodes/${node}/inventory`)).status).toBe(404);
    await inspect();
    await post(withBmc(BMC));
    await server.settle(node, 'manageable');
  });
  it('fails at once, and says why, where the report that comes cannot be read', async () => {
    await inspect();
    const broken = { inventory: { bmc_address: 7, interfaces: [{ mac_address: MAC }] } };
    // Nothing leads to the node yet: it has no port.
    expect((await post(broken)).status).toBe(400);
    expect((await shown())['provision_state']).toBe('inspect wait');
    const answer = await post(broken, `?node_uuid=${node}`);
    expect(answer.status).toBe(400);
    const after = await server.settle(node, 'inspect failed');
    expect(after.last_error).toContain('inventory.bmc_address must be an address or null');
    expect(after.driver_internal_info).not.toHaveProperty('inspection_refused');
    await verb(node, 'manage');
    await server.settle(node, 'manageable');
    await inspect();
    expect((await post(withBmc(BMC))).status).toBe(202);
    await server.settle(node, 'manageable');
  });

  it('can be aborted while the ramdisk is awaited', async () => {
    await inspect();
    expect((await verb(node, 'abort')).status).toBe(202);
    const aborted = await server.settle(node, 'inspect failed');
    expect(aborted).toMatchObject({
      last_error: 'Inspection was aborted by request.',
      power_state: 'power off',
    });
    expect(await post(withBmc(BMC))).toMatchObject(MISS);
  });
  it('leaves a machine on where it is told to', async () => {
    await start({ power_off: false });
    await inspect();
    await post(withBmc(BMC));
    expect(await server.settle(node, 'manageable')).toMatchObject({ power_state: 'power on' });
  });
  it('wants a port to boot from, unless strangers are served', async () => {
    await start({ require_managed_boot: true });
    const refused = await verb(node, 'inspect');
    expect([refused.status, refused.fault]).toEqual([400, expect.stringContaining('require_managed_boot')]);
  });
});

describe('POST /v1/continue_inspection', () => {
  const MACS = { ...REPORT, inventory: { interfaces: [{ name: 'a', mac_address: '52:54:00:00:00:aa' }] } };
  it('finds the node by its UUID, by MAC address, then by BMC', async () => {
    await server.api.post('/v1/ports', { node_uuid: node, address: '52:54:00:00:00:aa' });
    const other = await enrol({ ipmi_address: '10.9.8.6' });
    await inspect();
    await inspect(other);
    // What points to two nodes is nobody's.
    expect(await post(MACS, `?node_uuid=${other}`)).toMatchObject(MISS);
    expect(await post({ inventory: { ...MACS.inventory, bmc_address: '10.9.8.6' } })).toMatchObject(MISS);
    expect(await post(MACS, '?node_uuid=00000000-0000-0000-0000-000000000000')).toMatchObject(MISS);
    expect(await post(withBmc('10.9.8.1'))).toMatchObject(MISS);
    expect((await post(withBmc('10.9.8.6'), '', 84)).json.node.uuid).toBe(other);
    const answer = await post(MACS);
    expect(answer.json.node.uuid).toBe(node);
    expect(answer.text).not.toContain('canary');
    expect(answer.json.config.agent_token.length).toBeGreaterThanOrEqual(32);
  });
  it('gives the token once and counts the first report, which an agent may send again', async () => {
    await inspect();
    const both = await postTogether(withBmc(BMC), withBmc(BMC, { error: 'second' }));
    expect(both.map(({ status }) => status).toSorted()).toEqual([202, 202]);
    const tokens = both.map(({ json }) => json.config.agent_token as string);
    expect(tokens).toContain('******');
    const state = await server.settle(node, 'manageable', 'inspect failed');
    if (state.provision_state === 'inspect failed') expect(state.last_error).toContain('second');
    expect(await post(withBmc(BMC))).toMatchObject(MISS);
  });
  it('gives the token again to the agent that sends the same report again', async () => {
    await inspect();
    const report = withBmc(BMC);
    const both = await postTogether(report, report);
    const tokens = both.map(({ json }) => json.config.agent_token as string);
    expect(new Set(tokens).size).toBe(1);
    expect(tokens[0]!.length).toBeGreaterThanOrEqual(32);
    await server.settle(node, 'manageable', 'inspect failed');
  });
  it('is read where the process that took it ended before its work was woken', async () => {
    await inspect();
    vi.spyOn(server.parts.runner, 'deliver').mockImplementation(() => undefined);
    expect((await post(withBmc(BMC))).status).toBe(202);
    await restart();
    await server.settle(node, 'manageable');
  });
  it('wants the secret that the ramdisk was booted with, where it was', async () => {
    await inspect();
    const secret = 'kFSw3cZ2HcVMUE5rqdLkQv9k3cJbqZkN';
    const { nodes } = server.parts;
    await nodes.edit(node, null, ({ driver_internal_info: known }) => ({
      driver_internal_info: { ...known, inspection_secret: secret },
    }));
    expect(JSON.stringify(await shown())).not.toContain(secret);
    const at = (end: string, version = 115) =>
      server.agent
        .at(version)
        .post(`/v1/continue_inspection${end}`, withBmc(BMC, { logs: 'A'.repeat(2_000_000) }));
    for (const end of ['', `?node_uuid=${node}`, '/x', `/${secret.slice(1)}`, `/${secret}x`]) {
      expect(await at(end)).toMatchObject(MISS);
    }
    await server.settle(node, 'inspect wait');
    // A secret that cannot be read is not the absence of one.
    const replaced = (inspection_secret: Json) =>
      nodes.edit(node, null, ({ driver_internal_info: known }) => ({
        driver_internal_info: { ...known, inspection_secret },
      }));
    await replaced([secret]);
    for (const end of ['', `/${secret}`]) expect((await at(end)).status).toBeGreaterThanOrEqual(400);
    await server.settle(node, 'inspect wait');
    await replaced(secret);
    expect((await at(`/${secret}`)).status).toBe(202);
    await server.settle(node, 'manageable');
    // It was for this boot alone.
    expect((await nodes.get(node)).driver_internal_info).not.toHaveProperty('inspection_secret');
    await inspect();
    expect((await at('', 1)).status).toBe(202);
    await server.settle(node, 'manageable');
  });
  it('is there in 1.1, as ironic-inspector had it, and from 1.84', async () => {
    await inspect();
    for (const version of [2, 22, 83]) {
      expect(await post(withBmc(BMC), '', version)).toMatchObject({
        status: 404,
        fault: 'API version 1.84 or newer is required',
      });
    }
    expect((await post(withBmc(BMC), `?node_uuid=${node}`, null)).status).toBe(404);
    expect((await post(withBmc(BMC), '', 1)).status).toBe(202);
  });
  it('refuses what is no report, naming what is wrong', async () => {
    const cases: [unknown, string][] = [
      [[], 'the body must be an object'],
      [{}, "'inventory' is a required property"],
      [{ inventory: [] }, 'inventory must be an object'],
      [{ inventory: {} }, "'interfaces' is a required property"],
      [{ inventory: { interfaces: [] } }, 'a list that is not empty'],
      [{ inventory: { interfaces: [{}] } }, 'inventory.interfaces[0].mac_address must be a string'],
      [{ inventory: { interfaces: [{ mac_address: 'x' }], bmc_address: 5 } }, 'inventory.bmc_address'],
      [{ inventory: { interfaces: [{ mac_address: 'x' }] } }, 'No lookup information provided'],
      [
        { inventory: { interfaces: Array.from({ length: 1000 }, () => ({ mac_address: MAC })) } },
        '1000 entries',
      ],
      ['{"inventory":{"interfaces":[{"mac_address":"x\\u0000"}]}}', 'NUL'],
    ];
    for (const [body, fault] of cases) {
      const answer = await post(body);
      expect([answer.status, answer.fault]).toEqual([400, expect.stringContaining(fault)]);
    }
  });
  it('takes what no other route takes, up to its limit', async () => {
    await inspect();
    expect((await post(withBmc(BMC, { logs: 'A'.repeat(17_000_000) }))).status).toBe(413);
    expect((await post(withBmc(BMC, { logs: 'A'.repeat(2_000_000) }))).status).toBe(202);
    await server.settle(node, 'manageable');
  });
  it('does not hear other networks and floods, nor a node that is inspected otherwise', async () => {
    const body = { driver: 'fake-hardware', driver_info: { fake_delay_inspect_hardware: 30 } };
    const { uuid } = (await server.api.post('/v1/nodes', body)).json;
    await verb(uuid, 'manage');
    await server.settle(uuid, 'manageable');
    await inspect(uuid);
    expect(await post(REPORT, `?node_uuid=${uuid}`)).toMatchObject(MISS);
    await start({}, { allowed_networks: ['192.0.2.0/24'] });
    expect(await post(withBmc(BMC))).toMatchObject(MISS);
    await server.settle(uuid, 'inspect wait');
    await start({}, { requests_per_minute: 1 });
    await post(withBmc('10.0.0.1'));
    expect((await post(withBmc(BMC))).status).toBe(429);
  });
});
