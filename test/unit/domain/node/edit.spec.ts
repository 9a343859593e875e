import { describe, expect, it } from 'vitest';
import {
  type EditedNode,
  refuseDuringTransition,
  refusePortEdit,
  settleEdit,
} from '../../../../src/domain/node/edit.js';
import { STATES } from '../../../../src/domain/provision/table.js';

const node = (over: Partial<EditedNode> = {}): EditedNode => ({
  uuid: 'n',
  provision_state: 'manageable',
  target_provision_state: null,
  maintenance: false,
  console_enabled: false,
  instance_uuid: null,
  allocation_uuid: null,
  instance_name: null,
  resource_class: null,
  protected: false,
  retired: false,
  ...over,
});
const states = Object.keys(STATES);
const code = (run: () => unknown): string | null => {
  try {
    run();
    return null;
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('refuseDuringTransition', () => {
  const patch = [{ op: 'add', path: '/extra/a', value: 1 }] as const;
  // ironic/api/controllers/v1/node.py, NodesController.patch
  const open = [
    'deploy failed',
    'inspecting',
    'inspect wait',
    'inspect failed',
    'clean failed',
    'error',
    'verifying',
    'adopt failed',
    'rescue failed',
    'unrescue failed',
    'service hold',
    'service failed',
  ];
  it.each(states)('with a target, in %s', (provision_state) => {
    const there = node({ provision_state, target_provision_state: 'active' });
    expect(code(() => refuseDuringTransition(there, patch, false))).toBe(
      open.includes(provision_state) ? null : 'conflict',
    );
  });
  it('without a target, always, but for inspecting from 1.39', () => {
    for (const provision_state of states) {
      expect(code(() => refuseDuringTransition(node({ provision_state }), patch, false))).toBeNull();
    }
    expect(code(() => refuseDuringTransition(node({ provision_state: 'inspecting' }), patch, true))).toBe(
      'conflict',
    );
  });
  it('exempts exactly `remove /instance_uuid` in maintenance', () => {
    const deploying = { provision_state: 'deploying', target_provision_state: 'active' };
    const remove = { op: 'remove', path: '/instance_uuid' } as const;
    const inMaintenance = node({ ...deploying, maintenance: true });
    expect(code(() => refuseDuringTransition(inMaintenance, [remove], true))).toBeNull();
    expect(code(() => refuseDuringTransition(inMaintenance, [remove, remove], true))).toBe('conflict');
    expect(code(() => refuseDuringTransition(inMaintenance, patch, true))).toBe('conflict');
    expect(code(() => refuseDuringTransition(node(deploying), [remove], true))).toBe('conflict');
  });
});

describe('settleEdit', () => {
  const editable = ['enroll', 'inspecting', 'inspect wait', 'manageable', 'available'];
  it.each(states)('interfaces and resource class in %s', (provision_state) => {
    const refused = editable.includes(provision_state) ? null : 'conflict';
    const change = { boot_interface: 'pxe' };
    expect(code(() => settleEdit(node({ provision_state }), change))).toBe(refused);
    expect(code(() => settleEdit(node({ provision_state, maintenance: true }), change))).toBeNull();
    const rename = { resource_class: 'b' };
    for (const maintenance of [true, false]) {
      expect(code(() => settleEdit(node({ provision_state, maintenance }), rename))).toBeNull();
      const set = node({ provision_state, maintenance, resource_class: 'a' });
      expect(code(() => settleEdit(set, rename))).toBe(refused);
    }
  });
  it('maintenance off clears reason and fault', () => {
    expect(settleEdit(node(), { maintenance: false })).toEqual({
      maintenance: false,
      maintenance_reason: null,
      fault: null,
    });
    expect(settleEdit(node(), { maintenance: true })).toEqual({ maintenance: true });
  });
  it('protects only what is in use', () => {
    for (const provision_state of states) {
      const fits = ['active', 'rescue'].includes(provision_state);
      expect(code(() => settleEdit(node({ provision_state }), { protected: true }))).toBe(
        fits ? null : 'conflict',
      );
    }
    expect(settleEdit(node({ protected: true }), { protected: false })).toEqual({
      protected: false,
      protected_reason: null,
    });
    expect(code(() => settleEdit(node(), { protected_reason: 'x' }))).toBe('invalid');
    expect(code(() => settleEdit(node({ protected: true }), { protected_reason: 'x' }))).toBeNull();
  });
  it('retires, but not out of `available`', () => {
    expect(code(() => settleEdit(node({ provision_state: 'available' }), { retired: true }))).toBe(
      'conflict',
    );
    expect(settleEdit(node(), { retired: true, retired_reason: 'old' })).toEqual({
      retired: true,
      retired_reason: 'old',
    });
    expect(settleEdit(node({ retired: true }), { retired: false })).toEqual({
      retired: false,
      retired_reason: null,
    });
    expect(code(() => settleEdit(node(), { retired_reason: 'x' }))).toBe('invalid');
  });
  it('gives an instance to nobody else', () => {
    expect(code(() => settleEdit(node({ instance_uuid: 'a' }), { instance_uuid: 'b' }))).toBe('conflict');
    expect(code(() => settleEdit(node({ instance_uuid: 'a' }), { instance_uuid: null }))).toBeNull();
    expect(code(() => settleEdit(node(), { instance_uuid: 'b' }))).toBeNull();
  });
  it('keeps the driver while its console runs', () => {
    expect(code(() => settleEdit(node({ console_enabled: true }), { driver: 'ipmi' }))).toBe('conflict');
  });
  it('names the instance as instance_info does, unless it has a name', () => {
    const change = { instance_info: { display_name: 'vm' } };
    expect(settleEdit(node(), change)['instance_name']).toBe('vm');
    expect(settleEdit(node({ instance_name: 'own' }), change)).toEqual(change);
    expect(settleEdit(node(), { ...change, instance_name: 'given' })['instance_name']).toBe('given');
  });
  it.each([['8'], [8], [0], [' 8 '], [1.5], [true], [null]])('takes %j for a size', (local_gb) => {
    expect(code(() => settleEdit(node(), { properties: { local_gb, cpus: 'x'.length } }))).toBeNull();
  });
  // What Python's int() makes of them: ironic/objects/node.py, _validate_property_values.
  it.each([['x'], ['-1'], [-1], ['1.5'], ['']])('takes no %j for a size', (memory_mb) => {
    expect(() => settleEdit(node(), { properties: { memory_mb, other: 'x' } })).toThrow(
      `The following properties for node n should be non-negative integers, but provided values are: memory_mb=${memory_mb}`,
    );
  });
  it('never quotes an object that should be a size', () => {
    expect(() => settleEdit(node(), { properties: { cpus: { a: 'secret' }, local_gb: [1] } })).toThrow(
      /: local_gb=an object, cpus=an object$/,
    );
  });
  it('lowers the conductor group', () => {
    expect(settleEdit(node(), { conductor_group: 'Rack1' })).toEqual({ conductor_group: 'rack1' });
  });
});

describe('refusePortEdit', () => {
  const cabling = ['enroll', 'inspecting', 'inspect wait', 'manageable'];
  it.each(states)('in %s', (provision_state) => {
    for (const field of ['pxe_enabled', 'physical_network', 'local_link_connection', 'portgroup_uuid']) {
      expect(code(() => refusePortEdit('p', [field], node({ provision_state })))).toBe(
        cabling.includes(provision_state) ? null : 'conflict',
      );
    }
    expect(code(() => refusePortEdit('p', ['extra', 'name'], node({ provision_state })))).toBeNull();
    expect(code(() => refusePortEdit('p', ['address'], node({ provision_state })))).toBe(
      provision_state === 'active' ? 'conflict' : null,
    );
  });
  it('allows all in maintenance, and no address of an instance', () => {
    const active = node({ provision_state: 'active', maintenance: true });
    expect(code(() => refusePortEdit('p', ['address', 'pxe_enabled'], active))).toBeNull();
    expect(code(() => refusePortEdit('p', ['address'], node({ instance_uuid: 'i' })))).toBe('conflict');
  });
});
