import { NODE } from './scenario/node.js';
import { PORT_SCENARIOS } from './scenario/port.js';
import { ROOT } from './scenario/root.js';
import { SERVICE } from './scenario/service.js';
import { STATE } from './scenario/state.js';
import type { Scenario } from './scenario.js';

export const SCENARIOS: readonly Scenario[] = [...ROOT, ...NODE, ...STATE, ...PORT_SCENARIOS, ...SERVICE];
