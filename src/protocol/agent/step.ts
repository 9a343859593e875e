import { isObject } from '../json.js';
import { MalformedBody, requireObject, requireString, type UncheckedObject } from './malformed-body.js';

export type StepKind = 'clean' | 'deploy' | 'service';

/** A step that the agent offers, as `<kind>.get_<kind>_steps` lists it. */
export interface AgentStep {
  step: string;
  interface: string;
  /** 0 = only on request. */
  priority: number;
  reboot_requested: boolean;
  /** Absent for deploy steps. */
  abortable?: boolean;
  argsinfo?: UncheckedObject | null;
}

/** Result of `<kind>.get_<kind>_steps`. */
export interface StepList {
  /** By hardware manager, the agent's term for a provider of steps. */
  steps: Readonly<Record<string, readonly AgentStep[]>>;
  /** Sent back with each `execute_<kind>_step` as `<kind>_version`; a different value there is a mismatch. */
  hardware_manager_version: UncheckedObject;
}

/** @throws MalformedBody */
export function parseStepList(kind: StepKind, result: unknown): StepList {
  const top = requireObject(result, '');
  const field = `${kind}_steps`;
  const managers = requireObject(top[field], field);
  const steps = Object.fromEntries(
    Object.entries(managers).map(([manager, list]) => {
      if (!Array.isArray(list)) throw new MalformedBody(`${field}.${manager}`, 'must be a list');
      return [manager, list.map((step, index) => parseAgentStep(step, `${field}.${manager}[${index}]`))];
    }),
  );
  return {
    steps,
    hardware_manager_version: requireObject(top['hardware_manager_version'], 'hardware_manager_version'),
  };
}

/** The result of a step listing, as it is sent. */
export function stepListResult(kind: StepKind, list: StepList): UncheckedObject {
  return { [`${kind}_steps`]: list.steps, hardware_manager_version: list.hardware_manager_version };
}

function parseAgentStep(value: unknown, field: string): AgentStep {
  const top = requireObject(value, field);
  const priority = top['priority'];
  if (typeof priority !== 'number' || !Number.isInteger(priority) || priority < 0) {
    throw new MalformedBody(`${field}.priority`, 'must be a whole number, 0 or more');
  }
  return {
    step: requireString(top['step'], `${field}.step`),
    interface: requireString(top['interface'], `${field}.interface`),
    priority,
    reboot_requested: top['reboot_requested'] === true,
    ...(typeof top['abortable'] === 'boolean' ? { abortable: top['abortable'] } : {}),
    ...(isObject(top['argsinfo']) ? { argsinfo: top['argsinfo'] } : {}),
  };
}
