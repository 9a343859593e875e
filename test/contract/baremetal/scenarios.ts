import { ENROL, SHELL } from './scenario/enrol.js';
import { NODE } from './scenario/node.js';
import { RESOURCE } from './scenario/resource.js';
import { STATE } from './scenario/state.js';
import type { Scenario } from './scenario.js';

const ALL: readonly Scenario[] = [...SHELL, ...ENROL, ...STATE, ...NODE, ...RESOURCE];

/** Written, and not yet without an open difference: FERRIC_BAREMETAL=all runs them too. */
const OPEN = [
  'nodes: set and unset',
  'provisioning: to active and back',
  'provisioning: adopt, inspect, clean',
  'allocations',
];

export const DEFERRED = ALL.filter(({ name }) => OPEN.includes(name));
export const SCENARIOS = ALL.filter(({ name }) => !OPEN.includes(name));
