import { describe, expect, it } from 'vitest';
import { rulesOfNodePatch } from '../../../../src/api/auth/node-patch.js';
import { Scope } from '../../../../src/api/auth/scope.js';
import type { Subject } from '../../../../src/api/auth/who.js';

const scope = (roles: string[], more: Partial<Subject> = {}) =>
  new Scope({
    roles: new Set(roles),
    project: 'mine',
    system: false,
    servesAll: false,
    managesOwn: true,
    ...more,
  });
const everywhere = (...roles: string[]) => scope(roles, { project: null, system: true });

describe('a request’s scope', () => {
  it('leaves a rule about whose node it is open until that is known', () => {
    const request = scope(['member', 'reader']);
    request.enter('baremetal:node:set_power_state');
    expect(() => request.assertDecided()).toThrow('was not decided');
    expect(() => request.demandRoute({ owner: 'theirs' })).toThrow(
      'Access was denied to the following resource: baremetal:node:set_power_state',
    );
    expect(() => request.assertDecided()).toThrow('was not decided');
    request.demandRoute({ owner: 'theirs', lessee: 'mine' });
    request.assertDecided();
  });

  it('decides at once what depends on roles alone', () => {
    everywhere('reader').enter('baremetal:driver:get');
    expect(() => scope(['reader']).enter('baremetal:driver:get')).toThrow('baremetal:driver:get');
    expect(() => everywhere().enter('baremetal:driver:get')).toThrow('denied');
  });

  it('confines a listing to the project that asks', () => {
    const of = (request: Scope, asked?: string) => {
      request.enter('baremetal:node:list_all');
      request.demandRoute({ owner: null });
      const project = request.confine(asked);
      request.assertDecided();
      return project;
    };
    expect(of(everywhere('reader'))).toBeUndefined();
    expect(of(everywhere('reader'), 'x')).toBe('x');
    expect(of(scope(['reader']))).toBe('mine');
    expect(of(scope(['reader']), 'mine')).toBe('mine');
    expect(() => of(scope(['reader']), 'x')).toThrow('baremetal:node:list_all');
    expect(() => of(scope([]))).toThrow('baremetal:node:list');
    expect(() => of(everywhere())).toThrow('baremetal:node:list_all');
    const forgetful = scope(['reader']);
    forgetful.enter('baremetal:node:list_all');
    expect(() => forgetful.assertDecided()).toThrow('was not decided');
  });

  it('leaves every rule of a node open until the node is found', () => {
    const request = scope(['reader']);
    request.enter('baremetal:node:vendor_passthru', { ofNode: true, refusal: null });
    expect(() => request.assertDecided()).toThrow('was not decided');
    expect(() => request.demandRoute({ owner: 'mine' })).toThrow('baremetal:node:vendor_passthru');
  });

  it('tells a request that is too old so behind the rule', () => {
    const refusal = new Error('too old');
    const request = scope(['reader', 'member']);
    request.enter('baremetal:node:set_boot_mode', { ofNode: true, refusal });
    expect(() => request.demandRoute({ owner: 'theirs' })).toThrow('baremetal:node:set_boot_mode');
    expect(() => request.demandRoute({ owner: 'mine' })).toThrow('too old');
    const at = (who: Scope) => () => who.enter('baremetal:conductor:get', { ofNode: false, refusal });
    expect(at(scope(['reader']))).toThrow('baremetal:conductor:get');
    expect(at(everywhere('reader'))).toThrow('too old');
    expect(at(new Scope(null))).toThrow('too old');
    const open = new Scope(null);
    open.enter('baremetal:node:set_boot_mode', { ofNode: true, refusal });
    expect(() => open.demandRoute({ owner: null })).toThrow('too old');
  });

  it('lets what is waived through', () => {
    const request = scope(['reader']);
    request.enter('baremetal:runbook:get');
    request.demand('baremetal:runbook:get', { owner: 'theirs' }, true);
    request.assertDecided();
  });

  it('lets projects manage nodes of their own only where that is configured', () => {
    const target = { owner: 'mine' };
    expect(scope(['admin']).mayManageOwn('baremetal:node:delete:self_owned_node', target)).toBe(true);
    const off = scope(['admin'], { managesOwn: false });
    expect(off.mayManageOwn('baremetal:node:delete:self_owned_node', target)).toBe(false);
  });

  it('judges nothing where a login may do everything', () => {
    const request = new Scope(null);
    request.enter('baremetal:node:update');
    request.demand('baremetal:driver:vendor_passthru');
    expect(request.confine('x')).toBe('x');
    expect(request.confine()).toBeUndefined();
    request.assertDecided();
  });
});

describe('rules of a node’s patch', () => {
  const rules = (...paths: string[]) => rulesOfNodePatch(paths.map((path) => ({ op: 'remove', path })));
  it('are those of its roots', () => {
    expect(rules('/driver_info/ipmi_address', '/driver', '/boot_interface', '/driver_info')).toEqual([
      'baremetal:node:update:driver_info',
      'baremetal:node:update:driver_interfaces',
    ]);
    expect(rules('/retired_reason', '/instance_name')).toEqual([
      'baremetal:node:update:retired',
      'baremetal:node:update_instance_info',
    ]);
    expect(rules('/protected')).toEqual(['baremetal:node:update']);
    expect(rules()).toEqual(['baremetal:node:update']);
  });
  it('are stricter where it turns cleaning off', () => {
    const cleaning = (value: string | boolean | null) =>
      rulesOfNodePatch([{ op: 'replace', path: '/automated_clean', value }]);
    for (const off of [false, 'False', 'no'])
      expect(cleaning(off)).toEqual(['baremetal:node:disable_cleaning']);
    for (const on of [true, 'true', null]) expect(cleaning(on)).toEqual(['baremetal:node:update']);
  });
});
