import type { HookName } from '../../../config/section/inspector.js';
import { InvalidError, messageOf } from '../../../domain/errors.js';
import type { Findings } from '../../contract/inspect.js';
import type { Hook, Inspection } from './hook.js';
import { ports, ramdiskError, validateInterfaces } from './interfaces.js';
import { localLinkConnection, parseLldp, physicalNetwork } from './link.js';
import {
  accelerators,
  architecture,
  bootMode,
  cpuCapabilities,
  cpus,
  memory,
  pciDevices,
  raidDevice,
  rootDevice,
} from './property.js';

const HOOKS: Readonly<Record<HookName, Hook>> = Object.fromEntries(
  [
    ramdiskError,
    validateInterfaces,
    ports,
    architecture,
    cpus,
    memory,
    cpuCapabilities,
    bootMode,
    rootDevice,
    raidDevice,
    pciDevices,
    accelerators,
    parseLldp,
    localLinkConnection,
    physicalNetwork,
  ].map((hook) => [hook.name, hook]),
) as Record<HookName, Hook>;

/**
 * Runs the enabled hooks in their order (Ironic: inspect_utils.run_inspection_hooks).
 * @throws InvalidError naming every preprocessing hook that failed, or else the first other hook that did
 */
export function digest(at: Inspection): Findings {
  const hooks = at.settings.hooks.map((name) => HOOKS[name]);
  const failures: string[] = [];
  for (const hook of hooks) {
    try {
      hook.preprocess?.(at);
    } catch (error) {
      if (!(error instanceof InvalidError)) throw error;
      failures.push(`Error in preprocess hook ${hook.name}: ${messageOf(error)}`);
    }
  }
  if (failures.length > 0) {
    throw new InvalidError(
      `The following failures happened while running preprocess hooks for node ${at.node_uuid}: ${failures.join('; ')}`,
    );
  }
  for (const hook of hooks) hook.run?.(at);
  return { properties: at.properties, ports: at.ports, plugin_data: at.plugin_data };
}
