import type { DeploySettings } from '../config/section/deploy.js';
import { InvalidError } from '../domain/errors.js';
import {
  type Json,
  orderSteps,
  type PlannedStep,
  STEP_INTERFACES,
  type StepInterface,
} from '../domain/step/step.js';
import type { StepContext } from './contract/step.js';

/** A clean step as the agent lists it (contract: clean.get_clean_steps). */
export interface OfferedStep {
  readonly step: string;
  readonly interface: string;
  readonly priority: number;
  readonly abortable?: boolean;
  readonly reboot_requested?: boolean;
  readonly argsinfo?: Readonly<Record<string, unknown>> | null;
}

/** A step that a user asked for: an item of `clean_steps` of PUT states/provision. */
export interface RequestedStep {
  readonly interface: string;
  readonly step: string;
  readonly args?: PlannedStep['args'];
  /** What the conductor made of it: a step of its own or of one of the node's interfaces, not of the agent. */
  readonly planned?: PlannedStep;
}

/** `interface.step` to a priority that replaces the agent's. */
export type PriorityOverrides = Readonly<Record<string, number>>;

/** The configured priorities, the step's own key weaker than the override table. */
export function cleanPriorities(settings: DeploySettings): PriorityOverrides {
  const own = {
    'deploy.erase_devices': settings.erase_devices_priority,
    'deploy.erase_devices_metadata': settings.erase_devices_metadata_priority,
    'raid.delete_configuration': settings.delete_configuration_priority,
  };
  const set = Object.entries(own).filter((entry): entry is [string, number] => entry[1] !== null);
  return { ...Object.fromEntries(set), ...settings.clean_step_priority_override };
}

/**
 * What `collect_clean_steps` inserts. Its argument `requested` (a list of RequestedStep) makes the cleaning a manual
 * one; without it all that is on by default runs.
 */
export function planCleaning(
  context: StepContext,
  offered: readonly OfferedStep[],
  overrides: PriorityOverrides,
): PlannedStep[] {
  const requested = context.step.args['requested'];
  return requested === undefined || requested === null
    ? planAutomatedCleaning(offered, overrides)
    : planManualCleaning(context.node.uuid, offered, requestedSteps(requested));
}

/** What `collect_service_steps` inserts: service knows no steps but those that were asked for. */
export function planService(context: StepContext, offered: readonly OfferedStep[]): PlannedStep[] {
  const requested = requestedSteps(context.step.args['requested'] ?? []);
  return planManualCleaning(context.node.uuid, offered, requested, 'service');
}

function requestedSteps(value: Json): RequestedStep[] {
  if (!Array.isArray(value)) throw new InvalidError('clean_steps must be a list');
  return value.map((item) => {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) {
      throw new InvalidError('each of clean_steps must be an object');
    }
    const { interface: kind, step, args, planned } = item;
    if (typeof kind !== 'string' || typeof step !== 'string') {
      throw new InvalidError('each of clean_steps needs interface and step');
    }
    if (args !== undefined && (typeof args !== 'object' || args === null || Array.isArray(args))) {
      throw new InvalidError(`the args of clean step ${step} must be an object`);
    }
    return {
      interface: kind,
      step,
      ...(args ? { args } : {}),
      ...(planned ? { planned: planned as unknown as PlannedStep } : {}),
    };
  });
}

/** Automated cleaning: all that the agent offers, in Ironic's order, those with priority 0 left out. */
export function planAutomatedCleaning(
  offered: readonly OfferedStep[],
  overrides: PriorityOverrides,
): PlannedStep[] {
  return orderSteps(
    offered.filter(isOurs).map((step) => ({
      ...planned(step),
      priority: overrides[`${step.interface}.${step.step}`] ?? step.priority,
    })),
  );
}

/**
 * Manual cleaning: what was asked for, in the order in which it was asked for.
 * @throws InvalidError naming each step that the node does not have, in Ironic's words
 */
export function planManualCleaning(
  node: string,
  offered: readonly OfferedStep[],
  requested: readonly RequestedStep[],
  kind: 'clean' | 'service' = 'clean',
): PlannedStep[] {
  const faults: string[] = [];
  const steps = requested.flatMap((wanted) => {
    if (wanted.planned) return [wanted.planned];
    const found = offered.find((step) => step.step === wanted.step && step.interface === wanted.interface);
    if (!found || !isOurs(found)) {
      faults.push(
        `node does not support this ${kind} step: {'interface': '${wanted.interface}', 'step': '${wanted.step}'}`,
      );
      return [];
    }
    const args = wanted.args ?? {};
    const known = Object.keys(found.argsinfo ?? {});
    const unknown = Object.keys(args).filter((name) => !known.includes(name));
    if (unknown.length > 0) {
      faults.push(`${kind} step ${wanted.step} has no argument ${unknown.join(', ')}`);
    }
    for (const [name, about] of Object.entries(found.argsinfo ?? {})) {
      const required =
        typeof about === 'object' && about !== null && 'required' in about && about.required === true;
      if (required && !(name in args)) faults.push(`${kind} step ${wanted.step} needs the argument ${name}`);
    }
    return [{ ...planned(found), args }];
  });
  if (faults.length > 0) throw new InvalidError(`Cannot ${kind} node ${node}: ${faults.join('; ')}`);
  return steps;
}

function planned(step: OfferedStep): PlannedStep {
  return {
    interface: step.interface as StepInterface,
    name: step.step,
    priority: step.priority,
    args: {},
    abortable: step.abortable ?? false,
    // The agent is asked what became of a command before one is given again.
    rerunnable: true,
    visible: true,
    agent: true,
  };
}

function isOurs(step: OfferedStep): boolean {
  return (STEP_INTERFACES as readonly string[]).includes(step.interface);
}
