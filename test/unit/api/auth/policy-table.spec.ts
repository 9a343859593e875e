import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { POLICIES, type RuleName, ruleOf } from '../../../../src/api/auth/policy-table.js';
import { Scope } from '../../../../src/api/auth/scope.js';
import type { Subject, Target } from '../../../../src/api/auth/who.js';
import { OPERATOR_CONTROLLERS } from '../../../../src/api/operator-api.js';
import { declaredRoutes } from '../../../../src/api/routes.js';

const ROLES: Record<string, string[]> = {
  admin: ['admin', 'manager', 'member', 'reader'],
  manager: ['manager', 'member', 'reader'],
  member: ['member', 'reader'],
  reader: ['reader'],
  service: ['service'],
  'bare-manager': ['manager'],
  none: [],
};
const [OWNER, LESSEE, STRANGER] = ['a', 'b', 'c'].map((letter) => letter.repeat(32)) as [
  string,
  string,
  string,
];
const SCOPES: Record<string, Pick<Subject, 'project' | 'system' | 'servesAll'>> = {
  system: { project: null, system: true, servesAll: false },
  owner: { project: OWNER, system: false, servesAll: false },
  lessee: { project: LESSEE, system: false, servesAll: false },
  stranger: { project: STRANGER, system: false, servesAll: false },
  elevated: { project: STRANGER, system: false, servesAll: true },
};
const people = Object.entries(SCOPES).flatMap(([scope, of]) =>
  Object.entries(ROLES).map(([role, roles]) => ({
    name: `${scope}/${role}`,
    scope: new Scope({ ...of, roles: new Set(roles), managesOwn: true }),
  })),
);

// Who may do what by oslo.policy 4.0 over the defaults of Ironic at 1.115, with enforce_scope and
// enforce_new_defaults: each rule on an object of an owner and a lessee (of nodes), and on one that nobody owns.
const oracle = JSON.parse(readFileSync('test/unit/api/auth/policy-oracle.json', 'utf8')) as Record<
  RuleName,
  { owned: string; nobodys: string }
>;
const OURS = Object.keys(POLICIES).filter((name) => name.startsWith('ferric:'));
const GLANCES = Object.keys(POLICIES).filter((name) => name.startsWith('image:'));

describe('the policy table', () => {
  it('has Ironic’s rules and our own', () => {
    expect(Object.keys(POLICIES).toSorted()).toEqual(
      [...Object.keys(oracle), ...OURS, ...GLANCES].toSorted(),
    );
    expect(OURS).toEqual([
      'ferric:event:stream',
      'ferric:node:actions',
      'ferric:node:attempts',
      'ferric:image_cache:get',
      'ferric:image_cache:change',
    ]);
  });

  it.each(Object.entries(oracle))('%s is for whom oslo.policy says', (name, { owned, nobodys }) => {
    const rule = name as RuleName;
    const ofNode = !/:(allocation|runbook):/.test(name);
    const allowed = (target: Target) =>
      people.filter(({ scope }) => scope.allows(rule, target)).map((person) => person.name);
    expect(allowed({ owner: OWNER, lessee: ofNode ? LESSEE : null }).join(' ')).toBe(owned);
    expect(allowed({ owner: null, lessee: null }).join(' ')).toBe(nobodys);
  });

  it('is judged without a target only where it looks at none', () => {
    for (const name of Object.keys(POLICIES) as RuleName[]) {
      const judged = (target: Target | null) => people.map(({ scope }) => scope.allows(name, target));
      if (!ruleOf(name).who.looksAtTarget) expect(judged(null)).toEqual(judged({ owner: OWNER }));
    }
  });

  it('says in words who may', () => {
    expect(ruleOf('baremetal:node:get').who.words).toBe(
      'reader of system scope, service of system scope, service of the service project, reader of owner, ' +
        'reader of lessee, service of owner',
    );
  });

  it('knows every route’s policy', () => {
    const names = declaredRoutes(OPERATOR_CONTROLLERS).map(({ policy }) => policy!);
    expect(names.filter((name) => name !== 'public' && !Object.hasOwn(POLICIES, name))).toEqual([]);
  });
});
