import { ENROL, SHELL } from './scenario/enrol.js';
import { NODE } from './scenario/node.js';
import { RESOURCE } from './scenario/resource.js';
import { STATE } from './scenario/state.js';
import type { Scenario } from './scenario.js';

export const SCENARIOS: readonly Scenario[] = [...SHELL, ...ENROL, ...STATE, ...NODE, ...RESOURCE];
