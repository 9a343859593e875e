import { describe, expect, it } from 'vitest';
import type { Inspected } from '../../../../src/domain/inspection-rule/action.js';
import { applyRules, type RunnableRule } from '../../../../src/domain/inspection-rule/engine.js';
import type { RuleAction } from '../../../../src/domain/inspection-rule/rule.js';

const inspected = (): Inspected => ({
  node: {
    driver: 'ipmi',
    name: null,
    driver_info: { ipmi_address: '10.0.0.2' },
    properties: { capabilities: 'boot_mode:uefi,a:b' },
    extra: { list: [1], deep: { only: 1 } },
  },
  ports: [{ uuid: 'p1', extra: {}, name: null }],
  traits: new Set(['CUSTOM_OLD']),
  inventory: { bmc_address: '10.0.0.1', password: 'pa55word', system: { auth_token: 't0ken' } },
  plugin_data: { a: { b: 1 }, list: [1] },
});
const rule = (actions: RuleAction[], more: Partial<RunnableRule> = {}): RunnableRule => ({
  priority: 0,
  sensitive: false,
  conditions: [],
  actions,
  ...more,
});
const run = async (
  actions: RuleAction[],
  rules: RunnableRule[] = [rule(actions)],
  masking = 'always' as const,
) => {
  const told: string[] = [];
  const doors = {
    log: (level: string, text: string) => void told.push(`${level}: ${text}`),
    call: async (url: string, options: object) => void told.push(`GET ${url} ${JSON.stringify(options)}`),
  };
  return { ...(await applyRules(rules, inspected(), masking, doors)), told };
};

describe('actions', () => {
  it('write attributes by dots and slashes', async () => {
    const { node } = await run([
      { op: 'set-attribute', args: { path: 'name', value: 'n-{inventory[bmc_address]}' } },
      { op: 'set-attribute', args: ['driver_info/new/deep', { a: '{node.driver}' }] },
      { op: 'set-attribute', args: { path: 'extra.count', value: 5 } },
      { op: 'extend-attribute', args: { path: 'extra/list', value: 1, unique: true } },
      { op: 'extend-attribute', args: { path: 'extra/list', value: 2, unique: true } },
      { op: 'extend-attribute', args: { path: 'extra/fresh', value: 'x' } },
      { op: 'del-attribute', args: { path: 'extra/deep/only' } },
    ]);
    expect(node).toMatchObject({
      name: 'n-10.0.0.1',
      driver_info: { ipmi_address: '10.0.0.2', new: { deep: { a: 'ipmi' } } },
      extra: { list: [1, 2], fresh: ['x'], count: 5, deep: {} },
    });
  });
  it('write capabilities, traits, ports and plugin data', async () => {
    const { node, traits, ports, plugin_data, told } = await run([
      { op: 'set-capability', args: { name: 'c', value: 'd' } },
      { op: 'unset-capability', args: { name: 'a' } },
      { op: 'add-trait', args: { name: 'CUSTOM_NEW' } },
      { op: 'remove-trait', args: { name: 'CUSTOM_OLD' } },
      { op: 'remove-trait', args: { name: 'CUSTOM_NONE' } },
      { op: 'set-port-attribute', args: { port_id: 'p1', path: 'extra/a', value: 1 } },
      { op: 'extend-port-attribute', args: { port_id: 'p1', path: 'extra/l', value: 1 } },
      { op: 'del-port-attribute', args: { port_id: 'p1', path: 'extra/a' } },
      { op: 'set-plugin-data', args: { path: 'x.y', value: 1 } },
      { op: 'extend-plugin-data', args: { path: 'list', value: 1, unique: true } },
      { op: 'unset-plugin-data', args: { path: 'a.b' } },
      { op: 'unset-plugin-data', args: { path: 'no.such' } },
    ]);
    expect(node['properties']).toEqual({ capabilities: 'boot_mode:uefi,c:d' });
    expect([...traits]).toEqual(['CUSTOM_NEW']);
    expect(ports).toEqual([{ uuid: 'p1', extra: { l: [1] }, name: null }]);
    expect(plugin_data).toEqual({ list: [1], x: { y: 1 } });
    expect(told).toEqual(['warning: The node has no trait CUSTOM_NONE.', 'warning: Path no.such not found']);
  });
  it('loop, log and call', async () => {
    const { node, told } = await run([
      {
        op: 'set-attribute',
        args: { path: '{item[path]}', value: '{item[value]}' },
        loop: [
          { path: 'extra/a', value: '{inventory[bmc_address]}' },
          { path: 'extra/b', value: 2 },
        ],
      },
      { op: 'log', args: { msg: '{node.driver}', level: 'ERROR' } },
      { op: 'api-call', args: { url: 'http://x/{node.driver}', timeout: 2, headers: { a: 'b' } } },
    ]);
    expect(node['extra']).toMatchObject({ a: '10.0.0.1', b: '2' });
    expect(told).toEqual([
      'error: ipmi',
      'GET http://x/ipmi {"headers":{"a":"b"},"proxies":{},"timeout":2,"retries":3}',
    ]);
  });
  it.each<[RuleAction, string]>([
    [{ op: 'fail', args: { msg: 'no good' } }, 'Failed to inspect hardware. Reason: no good'],
    [
      { op: 'set-attribute', args: ['nosuch', 1] },
      'Failed to set attribute nosuch: there is no attribute nosuch',
    ],
    [{ op: 'set-attribute', args: ['driver/x', 1] }, "'driver' is not an object"],
    [{ op: 'set-attribute', args: ['extra/__proto__/x', 1] }, 'is not allowed'],
    [{ op: 'extend-attribute', args: ['extra/deep', 1] }, 'Cannot extend non-list attribute'],
    [{ op: 'del-attribute', args: ['extra/nosuch'] }, "there is no 'nosuch'"],
    [{ op: 'del-attribute', args: ['driver'] }, 'cannot be deleted'],
    [{ op: 'set-port-attribute', args: ['p2', 'name', 1] }, 'Port p2 could not be found.'],
    [{ op: 'log', args: ['x', 'loud'] }, 'Invalid log level: loud'],
    [{ op: 'api-call', args: { url: 'x', timeout: 0 } }, 'timeout must be greater than zero'],
  ])('%j fails the inspection', async (action, fault) => {
    await expect(run([action])).rejects.toThrow(fault);
  });
});

describe('applyRules', () => {
  const note = (value: string) => ({ op: 'extend-attribute', args: { path: 'extra/list', value } });
  it('goes by priority and conditions, each rule on what the one before left', async () => {
    const named = { op: 'eq', args: { values: ['{node.name}', 'new'] } };
    const rename = { op: 'set-attribute', args: { path: 'name', value: 'new' } };
    const { node } = await run(
      [],
      [
        rule([note('low')], { priority: 1, conditions: [named] }),
        rule([rename, note('high')], { priority: 9 }),
        rule([note('never')], { priority: 10, conditions: [named] }),
        rule([note('negative')], { priority: -1 }),
      ],
    );
    expect(node['extra']).toMatchObject({ list: [1, 'high', 'low', 'negative'] });
  });
  it('hides secrets of what was found as configured', async () => {
    const shows = [note('{inventory[password]} {inventory[system][auth_token]}')];
    const seen = async (masking: 'always' | 'never' | 'sensitive', sensitive: boolean) => {
      const doors = { log: () => {}, call: async () => {} };
      const { node } = await applyRules([rule(shows, { sensitive })], inspected(), masking, doors);
      return (node['extra'] as { list: unknown[] }).list[1];
    };
    expect(await seen('always', true)).toBe('*** ***');
    expect(await seen('sensitive', false)).toBe('*** ***');
    expect(await seen('sensitive', true)).toBe('pa55word t0ken');
    expect(await seen('never', false)).toBe('pa55word t0ken');
  });
  it('leaves what it was given as it was', async () => {
    const before = inspected();
    const doors = { log: () => {}, call: async () => {} };
    const after = await applyRules([rule([note('x')])], before, 'always', doors);
    expect(before).toEqual(inspected());
    expect(after.node).not.toEqual(before.node);
  });
});
