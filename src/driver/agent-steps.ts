import type { DeploySettings } from '../config/section/deploy.js';
import { InvalidError } from '../domain/errors.js';
import { isObject, type Json } from '../domain/json.js';
import { orderSteps, type PlannedStep, STEP_INTERFACES, type StepInterface } from '../domain/step/step.js';
import type { StepContext } from './contract/step.js';
import { argumentFaults, stepText } from './step-arguments.js';
import { AGENT_THERE } from './step-table.js';

/** A clean step as the agent lists it (contract: clean.get_clean_steps). */
export interface OfferedStep {
  readonly step: string;
  readonly interface: string;
  readonly priority: number;
  readonly abortable?: boolean;
  readonly reboot_requested?: boolean;
  readonly argsinfo?: Readonly<Record<string, unknown>> | null;
}

/** A step that a user requested: an item of `clean_steps` of PUT states/provision. */
export interface RequestedStep {
  readonly interface: string;
  readonly step: string;
  readonly args?: PlannedStep['args'];
  /** Deploy steps only. */
  readonly priority?: number;
  /** Set where the conductor itself or one of the node's interfaces implements the step; absent: the agent does. */
  readonly planned?: PlannedStep;
}

/** `interface.step` to a priority that replaces the agent's. */
export type PriorityOverrides = Readonly<Record<string, number>>;

/** Priority of the metadata erase where it replaces the full erase. */
const EXPRESS_PRIORITY = 10;

/** Whether automated cleaning does a full erase, and takes as long. */
export function overwritesAll(settings: DeploySettings): boolean {
  return (cleanPriorities(settings)['deploy.erase_devices'] ?? 0) > 0;
}

/** What automated cleaning does to data, in a sentence for an operator. */
export function erasureInWords(settings: DeploySettings): string {
  if (overwritesAll(settings)) {
    const passes =
      settings.shred_random_overwrite_iterations + (settings.shred_final_overwrite_with_zeros ? 1 : 0);
    return (
      `automated cleaning overwrites every byte of every disk that cannot erase itself, ${passes} times: some ` +
      `${Math.round((passes * 8e12) / DISK_PACE / 3600)} hours for 8 TB (deploy.erase_devices_priority)`
    );
  }
  const express = (cleanPriorities(settings)['deploy.erase_devices_express'] ?? 0) > 0;
  return (
    `automated cleaning erases metadata${express ? ', and lets disks erase themselves that do it within minutes' : ''}; ` +
    'other data stays readable on disks that do not (deploy.erase_devices_priority: 10 overwrites all)'
  );
}

/** Average write speed of a spinning disk, in bytes per second. */
const DISK_PACE = 150e6;

/** The configured priorities. The override table wins over a step's own key. */
export function cleanPriorities(settings: DeploySettings): PriorityOverrides {
  const quick = settings.erase_devices_priority === null;
  const own = {
    'deploy.erase_devices': settings.erase_devices_priority ?? 0,
    'deploy.erase_devices_express': quick ? EXPRESS_PRIORITY : 0,
    'deploy.erase_devices_metadata': settings.erase_devices_metadata_priority,
    'raid.delete_configuration': settings.delete_configuration_priority,
  };
  const set = Object.entries(own).filter((entry): entry is [string, number] => entry[1] !== null);
  return { ...Object.fromEntries(set), ...settings.clean_step_priority_override };
}

/**
 * The steps that `collect_clean_steps` inserts. Its argument `requested` (a list of RequestedStep) makes the cleaning
 * manual; without it, automated cleaning runs every step that is enabled by default.
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

/** The steps that `collect_service_steps` inserts. Service runs requested steps only. */
export function planService(context: StepContext, offered: readonly OfferedStep[]): PlannedStep[] {
  const requested = requestedSteps(context.step.args['requested'] ?? []);
  return planManualCleaning(context.node.uuid, offered, requested, 'service');
}

/**
 * The steps that the agent adds to a deployment once it has booted: its own steps that are enabled by default, and the
 * requested steps that only the agent knows (argument `requested` of the step that boots it).
 * @param own steps of the deploy interface; they win over the agent's steps of the same name
 * @throws InvalidError for a step that the agent does not have, or that is due after the agent has been shut down
 */
export function planAgentDeployment(
  context: StepContext,
  offered: readonly OfferedStep[],
  own: ReadonlySet<string>,
): PlannedStep[] {
  const requested = requestedSteps(context.step.args['requested'] ?? []);
  const asked = planManualCleaning(context.node.uuid, offered, requested, 'deploy').map((step, at) => ({
    ...step,
    priority: requested[at]!.priority ?? step.priority,
  }));
  const byDefault = offered
    .filter((step) => isOurs(step) && !(step.interface === 'deploy' && own.has(step.step)))
    .filter((step) => !requested.some((one) => one.interface === step.interface && one.step === step.step))
    .map(planned);
  const steps = orderSteps([...byDefault, ...asked]);
  const late = steps.filter(({ priority }) => priority <= AGENT_THERE.leaves);
  if (late.length > 0) {
    const names = late.map((step) => `${step.interface}.${step.name} (${step.priority})`).join(', ');
    throw new InvalidError(
      `The agent is gone behind deploy step tear_down_agent, of priority ${AGENT_THERE.leaves}: ${names} must have a higher one.`,
    );
  }
  return steps;
}

function requestedSteps(value: Json): RequestedStep[] {
  if (!Array.isArray(value)) throw new InvalidError('clean_steps must be a list');
  return value.map((item) => {
    if (!isObject(item)) {
      throw new InvalidError('each of clean_steps must be an object');
    }
    const { interface: kind, step, args, planned, priority } = item;
    if (typeof kind !== 'string' || typeof step !== 'string') {
      throw new InvalidError('each of clean_steps needs interface and step');
    }
    if (args !== undefined && !isObject(args)) {
      throw new InvalidError(`the args of clean step ${step} must be an object`);
    }
    return {
      interface: kind,
      step,
      ...(args ? { args } : {}),
      ...(typeof priority === 'number' ? { priority } : {}),
      ...(planned ? { planned: planned as unknown as PlannedStep } : {}),
    };
  });
}

/** Automated cleaning: every step that the agent offers, in Ironic's order, without those of priority 0. */
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
 * Manual cleaning: the requested steps in the requested order.
 * @throws InvalidError naming each step that the node does not have, in Ironic's words
 */
export function planManualCleaning(
  node: string,
  offered: readonly OfferedStep[],
  requested: readonly RequestedStep[],
  kind: 'clean' | 'service' | 'deploy' = 'clean',
): PlannedStep[] {
  const faults: string[] = [];
  const steps = requested.flatMap((wanted) => {
    if (wanted.planned) return [wanted.planned];
    const found = offered.find((step) => step.step === wanted.step && step.interface === wanted.interface);
    if (!found || !isOurs(found)) {
      faults.push(`node does not support this ${kind} step: ${stepText(wanted)}`);
      return [];
    }
    const args = wanted.args ?? {};
    faults.push(...argumentFaults(kind, wanted, found.argsinfo ?? {}));
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
    // Before a command is sent again, the agent is asked for the outcome of the first.
    rerunnable: true,
    visible: true,
    agent: true,
  };
}

function isOurs(step: OfferedStep): boolean {
  return (STEP_INTERFACES as readonly string[]).includes(step.interface);
}
