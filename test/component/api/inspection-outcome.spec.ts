import { describe, expect, it } from 'vitest';
import { BY } from '../../support/conductor.js';
import {
  BMC,
  calls,
  inspect,
  MAC,
  MISS,
  node,
  post,
  rule,
  server,
  start,
  useInspectionBed,
  withBmc,
} from '../../support/inspection-bed.js';

useInspectionBed();

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
