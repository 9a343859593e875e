import { expect, it } from 'vitest';
import { type ActingNode, actionsOf } from '../../../../src/domain/provision/actions.js';

const NODE: ActingNode = {
  uuid: 'u',
  provision_state: 'manageable',
  maintenance: false,
  protected: false,
  retired: false,
  reserved_by: null,
};
const reasonOf = (more: Partial<ActingNode>, verb: string) =>
  actionsOf({ ...NODE, ...more }, () => true).find((action) => action.verb === verb)?.reason;

it.each<[string, Partial<ActingNode>, string, RegExp | null]>([
  ['its state', {}, 'active', /while it is in state "manageable"/],
  ['maintenance, before the state, for a deployment', { maintenance: true }, 'active', /in maintenance mode/],
  ['the state, in maintenance, for other verbs', { maintenance: true }, 'rescue', /while it is in state/],
  [
    'maintenance, before who holds it',
    { maintenance: true, reserved_by: 'h' },
    'rebuild',
    /in maintenance mode/,
  ],
  ['who holds it', { reserved_by: 'conductor-7' }, 'active', /conductor-7/],
  ['nothing', {}, 'provide', null],
])('a verb is refused as its request is: by %s', (_, node, verb, reason) => {
  if (reason === null) expect(reasonOf(node, verb)).toBeNull();
  else expect(reasonOf(node, verb)).toMatch(reason);
});
