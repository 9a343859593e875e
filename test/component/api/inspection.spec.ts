import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { InspectorSettings } from '../../../src/config/section/inspector.js';
import type { RuleEffects } from '../../../src/domain/inspection-rule/action.js';
import type { Json } from '../../../src/domain/json.js';
import { startApi } from '../../support/api.js';
import { BY } from '../../support/conductor.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

/** What OpenStack's own agent collected. */
const { report: REPORT } = JSON.parse(
  readFileSync(
    join(import.meta.dirname, '../../contract/agent/fixtures/ironic-python-agent-inspection.json'),
    'utf8',
  ),
) as { report: { inventory: Record<string, unknown> } };
const MAC = '02:fc:00:00:00:01';
const BMC = '10.9.8.7';
const MISS = { status: 404, fault: 'Resource could not be found.' };

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let node: string;
const calls: string[] = [];
const callForRule: RuleEffects['call'] = (url) => {
  calls.push(url);
  return url.includes('down') ? Promise.reject(new Error('nobody is there')) : Promise.resolve();
};
let started = '';
/** Anew only where something else is asked for. */
const start = async (
  inspector: Partial<InspectorSettings> = {},
  agent: NonNullable<Parameters<typeof startApi>[1]>['agent'] = {},
) => {
  const wanted = JSON.stringify([inspector, agent]);
  if (wanted === started) return;
  started = wanted;
  await server?.stop();
  server = await startApi(database, { agent, conductorOptions: { inspector, callForRule } });
};

beforeAll(async () => {
  database = await startTestDatabase();
});
beforeEach(async () => {
  calls.length = 0;
  await start();
  await database.source.query('truncate node cascade');
  await database.source.query('delete from inspection_rule');
  node = await enrol();
});
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

async function enrol(driver_info: object = { ipmi_address: BMC, ipmi_password: 'canary' }): Promise<string> {
  const body = { driver: 'fake-hardware', inspect_interface: 'agent', driver_info };
  const { uuid } = (await server.api.post('/v1/nodes', body)).json as { uuid: string };
  await verb(uuid, 'manage');
  await server.settle(uuid, 'manageable');
  return uuid;
}
const verb = (uuid: string, target: string) =>
  server.api.put(`/v1/nodes/${uuid}/states/provision`, { target });
/** As far as the ramdisk being awaited. */
async function inspect(uuid = node): Promise<void> {
  expect((await verb(uuid, 'inspect')).status).toBe(202);
  await server.settle(uuid, 'inspect wait');
}
const post = (body: unknown, query = '', version: number | null = 115) =>
  server.agent.at(version).post(`/v1/continue_inspection${query}`, body);
/** Reports that come while the node is reserved: the work that the first one wakes ends the wait for a ramdisk. */
const postTogether = async (...bodies: unknown[]) => {
  const reservation = await server.parts.reservations.acquire(node, false);
  try {
    return await Promise.all(bodies.map((body) => post(body)));
  } finally {
    await reservation.release();
  }
};
const withBmc = (bmc_address: string | null, more: object = {}) => ({
  ...REPORT,
  ...more,
  inventory: { ...REPORT.inventory, bmc_address },
});
const rule = (actions: object[], more: object = {}) =>
  server.api.post('/v1/inspection_rules', { actions, ...more });
const shown = async () => (await server.api.get(`/v1/nodes/${node}`)).json as Record<string, never>;

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
    started = '';
    await start();
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

describe('inspection rules', () => {
  it('run on what was found and change the node, its ports and the plugin data', async () => {
    const conditions = [
      { op: 'eq', args: ['{inventory[cpu][architecture]}', 'x86_64'] },
      { op: 'matches', args: { value: '{inventory[bmc_address]}', regex: '10\\..*' } },
    ].map(({ op, args }) => (op === 'eq' ? { op, args: { values: args } } : { op, args }));
    const actions = [
      { op: 'set-attribute', args: ['resource_class', 'small'] },
      { op: 'set-attribute', args: ['driver_info/ipmi_port', 6230] },
      { op: 'set-attribute', args: ['properties/local_gb', 10] },
      { op: 'add-trait', args: ['CUSTOM_FOUND'] },
      { op: 'set-plugin-data', args: ['seen', true] },
      { op: 'api-call', args: { url: 'http://cmdb/{node.uuid}' } },
    ];
    expect((await rule(actions, { conditions, priority: 5 })).status).toBe(201);
    const never = [{ op: 'is-true', args: ['{inventory[nosuch]}'] }];
    await rule([{ op: 'fail', args: ['never'] }], { conditions: never, priority: 9 });
    await inspect();
    await post(withBmc(BMC));
    const after = await server.settle(node, 'manageable', 'inspect failed');
    expect(after).toMatchObject({
      provision_state: 'manageable',
      resource_class: 'small',
      traits: ['CUSTOM_FOUND'],
      properties: { cpu_arch: 'x86_64', local_gb: 10 },
    });
    const { driver_info } = server.parts.nodes.withSecrets(after);
    expect(driver_info).toEqual({ ipmi_address: BMC, ipmi_password: 'canary', ipmi_port: 6230 });
    expect(calls).toEqual([`http://cmdb/${node}`]);
    expect((await server.api.get(`/v1/nodes/${node}/inventory`)).json.plugin_data.seen).toBe(true);
  });
  it.each<[string, object, string]>([
    ['fail', { op: 'fail', args: ['not this one'] }, 'not this one'],
    [
      'a state',
      { op: 'set-attribute', args: ['provision_state', 'active'] },
      'provision_state of a node cannot',
    ],
    ['a wrong value', { op: 'set-attribute', args: ['resource_class', 5] }, 'cannot become 5'],
    ['a bad trait', { op: 'add-trait', args: ['nosuch'] }, 'nosuch is no trait'],
    ['a strange driver', { op: 'set-attribute', args: ['driver', 'nosuch'] }, 'nosuch is not enabled'],
    ['a call that fails', { op: 'api-call', args: ['http://down'] }, 'nobody is there'],
  ])('end an inspection: %s', async (_, action, fault) => {
    await rule([{ op: 'set-attribute', args: ['description', 'half'] }, action]);
    await inspect();
    await post(withBmc(BMC));
    const failed = await server.settle(node, 'inspect failed');
    expect(failed.last_error).toContain(fault);
    // What the hooks found stays, what rules began does not.
    expect(failed).toMatchObject({
      properties: { cpu_arch: 'x86_64' },
      description: null,
      power_state: 'power off',
    });
  });
  it('compute beside everything else, and not for ever', async () => {
    await start({ rule_timeout: 1 });
    const regex = '(a+)+$';
    const conditions = [{ op: 'contains', args: { value: '{plugin_data[text]}', regex } }];
    await rule([{ op: 'fail', args: ['x'] }], { conditions });
    await inspect();
    await post(withBmc(BMC, { text: `${'a'.repeat(40)}!` }));
    const begun = performance.now();
    let longest = 0;
    for (let last = begun; performance.now() - begun < 1_500; last = performance.now()) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      longest = Math.max(longest, performance.now() - last);
    }
    expect(longest, 'ms without a turn of the event loop').toBeLessThan(900);
    const failed = await server.settle(node, 'inspect failed');
    expect(failed.last_error).toContain('took longer than 1 s');
  });
});

describe('auto-discovery', () => {
  const auto_discovery = { enabled: true, driver: 'fake-hardware', max_nodes: 1 };
  it('is off until it is asked for', async () => {
    expect(await post(withBmc('10.0.0.9'))).toMatchObject(MISS);
    expect((await server.api.get('/v1/nodes')).json.nodes).toHaveLength(1);
  });
  it('enrols who reports itself, as many as are allowed', async () => {
    await start({ auto_discovery });
    const answer = await post(withBmc('10.0.0.9'), '', null);
    expect(answer.status).toBe(202);
    const uuid = answer.json.uuid as string;
    for (let i = 0; i < 200; i++) {
      if ((await server.api.get(`/v1/nodes/${uuid}/inventory`)).status === 200) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const found = await server.settle(uuid, 'enroll');
    expect(found).toMatchObject({
      driver: 'fake-hardware',
      properties: { cpu_arch: 'x86_64' },
      last_error: null,
    });
    const kept = (await server.api.get(`/v1/nodes/${uuid}/inventory`)).json;
    expect(kept.plugin_data.auto_discovered).toBe(true);
    expect((await server.api.get(`/v1/ports?node=${uuid}`)).json.ports).toMatchObject([{ address: MAC }]);
    // It is known now, and nobody waits for it; a second stranger is one too many.
    expect(await post(withBmc('10.0.0.9'))).toMatchObject(MISS);
    const stranger = { inventory: { interfaces: [{ name: 'a', mac_address: '52:54:00:00:00:bb' }] } };
    expect((await post(stranger)).status).toBe(503);
    await server.conductor.nodes.delete(uuid, BY);
  });
});
