import { ALLOCATED } from './scenario/allocated.js';
import { ALLOCATION } from './scenario/allocation.js';
import { CHASSIS } from './scenario/chassis.js';
import { MACHINE } from './scenario/machine.js';
import { NODE } from './scenario/node.js';
import { OTHER } from './scenario/others.js';
import { PORT_SCENARIOS } from './scenario/port.js';
import { PORTGROUP } from './scenario/portgroup.js';
import { PROVISION_SCENARIOS } from './scenario/provision.js';
import { RAMDISK } from './scenario/ramdisk.js';
import { ROOT } from './scenario/root.js';
import { SERVICE } from './scenario/service.js';
import { STATE } from './scenario/state.js';
import { TRAIT } from './scenario/trait.js';
import { VENDOR_SCENARIOS } from './scenario/vendor.js';
import { VOLUME } from './scenario/volume.js';
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
  ...ALLOCATED,
  ...VOLUME,
  ...MACHINE,
  ...VENDOR_SCENARIOS,
  ...PROVISION_SCENARIOS,
  ...RAMDISK,
  ...OTHER,
];
