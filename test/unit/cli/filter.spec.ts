import { describe, expect, it } from 'vitest';
import type { NodeRow } from '../../../cli/api/node-api.js';
import { readFilter } from '../../../cli/node/filter.js';

const node = (more: Partial<NodeRow>): NodeRow => ({
  uuid: '1be26c0b-03f2-4d2e-ae87-c02d7f33c123',
  name: 'r012-u07',
  description: null,
  provision_state: 'active',
  target_provision_state: null,
  power_state: 'power on',
  maintenance: false,
  fault: null,
  resource_class: 'gold',
  owner: 'team-a',
  traits: ['CUSTOM_GPU'],
  ...more,
});

describe('a filter', () => {
  it.each<[string, Partial<NodeRow>, boolean]>([
    ['', {}, true],
    ['u07', {}, true],
    ['U07', {}, true],
    ['1be26c0b', {}, true],
    ['u08', {}, false],
    ['corner', { description: 'in the Corner' }, true],
    ['state:active', {}, true],
    ['state:failed', { provision_state: 'deploy failed' }, true],
    ['state:failed', { provision_state: 'error' }, true],
    ['state:failed', {}, false],
    ['state:working,waiting', { provision_state: 'wait call-back' }, true],
    ['state:working', { provision_state: 'deploying' }, true],
    ['state:held', { provision_state: 'clean hold' }, true],
    ['state:idle', { provision_state: 'rescue' }, true],
    ['state:"clean failed"', { provision_state: 'clean failed' }, true],
    ['state:idle', { provision_state: 'of a later version' }, false],
    ['class:gold,silver owner:team-a', {}, true],
    ['class:gold owner:team-b', {}, false],
    ['!owner:team-b !u08', {}, true],
    ['fault:', {}, true],
    ['fault:"power failure"', { fault: 'power failure' }, true],
    ['power:"power on"', {}, true],
    ['maintenance:no', {}, true],
    ['maintenance:yes', {}, false],
    ['trait:CUSTOM_GPU', {}, true],
    ['trait:CUSTOM_SSD', {}, false],
  ])('%s', (filter, more, fits) => {
    expect(readFilter(filter)(node(more))).toBe(fits);
  });

  it.each([
    ['state:gone', 'a state that there is not: gone'],
    ['!colour:red', 'no key colour'],
    ['maintenance:maybe', 'yes or no'],
    ['state:"clean', 'a quote without its end'],
    ['constructor:x', 'no key constructor'],
  ])('%s is refused: %s', (filter, words) => {
    expect(() => readFilter(filter)).toThrow(words);
  });
});
