import { ALLOCATION } from './scenario/allocation.js';
import { CHASSIS } from './scenario/chassis.js';
import { NODE } from './scenario/node.js';
import { PORT_SCENARIOS } from './scenario/port.js';
import { PORTGROUP } from './scenario/portgroup.js';
import { ROOT } from './scenario/root.js';
import { SERVICE } from './scenario/service.js';
import { STATE } from './scenario/state.js';
import { TRAIT } from './scenario/trait.js';
import type { Scenario } from './scenario.js';

export const SCENARIOS: readonly Scenario[] = [
  ...ROOT,
  ...NODE,
  ...STATE,
  ...PORT_SCENARIOS,
  ...SERVICE,
  ...CHASSIS,
  ...PORTGROUP,
  ...TRAIT,
  ...ALLOCATION,
];
