import { describe, expect, it } from 'vitest';
import { next, nextByVerb, targetAfter, verbsFrom, wayTo } from '../../../../src/domain/provision/machine.js';
import { type ProvisionState, STATES, TRANSITIONS, VERBS } from '../../../../src/domain/provision/table.js';

const states = Object.keys(STATES) as ProvisionState[];

describe('the provision table', () => {
  it('reaches every state from enroll', () => {
    const seen = new Set<string>(['enroll']);
    for (let grown = true; grown; ) {
      grown = false;
      for (const row of TRANSITIONS) {
        if (seen.has(row.from) && !seen.has(row.to)) grown = Boolean(seen.add(row.to));
      }
    }
    expect(states.filter((state) => !seen.has(state))).toEqual([]);
  });

  it('has one way on for each state and event', () => {
    const keys = TRANSITIONS.map((row) => `${row.from}/${row.on}`);
    expect(keys.length).toBe(new Set(keys).size);
  });

  it('lets every state that is not stable be left', () => {
    for (const state of states) expect(TRANSITIONS.some((row) => row.from === state)).toBe(true);
  });

  it('gives every working state an end for a dead conductor, and every wait a failure', () => {
    for (const state of states.filter((s) => /ing$/.test(s)))
      expect(next(state, 'fail'), state).not.toBeNull();
    for (const state of states.filter((s) => / wait$|call-back$/.test(s))) {
      expect(next(state, 'fail'), state).not.toBeNull();
      expect(STATES[state], state).toHaveProperty('wait', true);
    }
  });

  // ironic/common/states.py, add_transition
  it.each<[ProvisionState, string]>([
    ['enroll', 'manage'],
    ['verifying', ''],
    ['manageable', 'provide inspect clean adopt'],
    ['available', 'active deploy manage'],
    ['deploying', ''],
    ['wait call-back', 'deleted undeploy abort'],
    ['deploy hold', 'abort unhold'],
    ['deploy failed', 'active deploy rebuild deleted undeploy'],
    ['active', 'rebuild deleted undeploy rescue service'],
    ['deleting', ''],
    ['error', 'rebuild deleted undeploy'],
    ['cleaning', ''],
    ['clean wait', 'abort'],
    ['clean hold', 'abort unhold'],
    ['clean failed', 'manage'],
    ['inspecting', ''],
    ['inspect wait', 'abort'],
    ['inspect failed', 'manage inspect'],
    ['adopting', ''],
    ['adopt failed', 'manage adopt'],
    ['rescue', 'deleted undeploy rescue unrescue'],
    ['rescue wait', 'deleted undeploy abort'],
    ['rescue failed', 'deleted undeploy rescue unrescue'],
    ['unrescue failed', 'deleted undeploy rescue unrescue'],
    ['service wait', 'deleted undeploy abort'],
    ['service hold', 'abort unhold service'],
    ['service failed', 'deleted undeploy abort rescue service'],
  ])('%s can be asked: %s', (state, verbs) => {
    expect(verbsFrom(state).join(' ')).toBe(verbs);
  });

  it('keeps internal events out of the operator’s reach', () => {
    expect(next('deleting', 'clean')).not.toBeNull();
    expect(nextByVerb('deleting', 'clean')).toBeNull();
    expect(VERBS.undeploy.event).toBe('delete');
  });
});

describe('targetAfter', () => {
  const target = (from: ProvisionState, on: Parameters<typeof next>[1], current: string | null) =>
    targetAfter(next(from, on)!, current);

  it('follows the verb on the way in, is kept by waits and failures, and is null when stable', () => {
    expect(target('manageable', 'provide', null)).toBe('available');
    expect(target('manageable', 'clean', null)).toBe('manageable');
    expect(target('cleaning', 'wait', 'manageable')).toBe('manageable');
    expect(target('cleaning', 'fail', 'manageable')).toBe('manageable');
    expect(target('cleaning', 'done', 'available')).toBeNull();
    expect(target('deleting', 'clean', 'available')).toBe('available');
    expect(target('available', 'deploy', null)).toBe('active');
    expect(target('wait call-back', 'delete', 'active')).toBe('available');
    expect(target('verifying', 'fail', 'manageable')).toBeNull();
  });
});

describe('the way to a verb that is illegal', () => {
  it.each([
    ['clean failed', 'provide', ['manage']],
    ['enroll', 'provide', ['manage']],
    ['inspect failed', 'provide', ['manage']],
    ['adopt failed', 'inspect', ['manage']],
    ['enroll', 'active', ['manage', 'provide']],
    ['manageable', 'active', ['provide']],
    ['available', 'clean', ['manage']],
    ['clean wait', 'provide', ['abort', 'manage']],
    ['clean hold', 'manage', ['abort']],
    ['wait call-back', 'active', ['abort']],
    ['service failed', 'rebuild', ['abort']],
    ['manageable', 'provide', []],
    // What would take an instance away is not advised, and what works is waited for.
    ['active', 'provide', null],
    ['error', 'provide', null],
    ['cleaning', 'provide', null],
    ['enroll', 'unrescue', null],
    // Nobody is sent round to where the node is.
    ['manageable', 'manage', null],
    ['available', 'provide', null],
  ] as const)('%s, %s', (state, verb, way) => {
    expect(wayTo(state, verb)).toEqual(way);
  });
});
