import type { Json, JsonObject } from '../../domain/json.js';
import type { PlannedStep, StepInterface } from '../../domain/step/step.js';
import type { Interfaces } from '../../driver/contract/interfaces.js';
import { argumentFaults, stepText } from '../../driver/step-arguments.js';
import { isReserved, ownStep } from './own-steps.js';
import { plannedFrom, planSteps } from './workflow.js';

/** A step that a user requested, for manual cleaning or for service. */
export interface WantedStep {
  readonly interface: string;
  readonly step: string;
  readonly args?: JsonObject;
}

interface Looked {
  readonly wanted: WantedStep;
  /** null: no interface of the node declares it; the ramdisk's agent may. */
  readonly planned: PlannedStep | null;
  readonly needsRamdisk: boolean;
  readonly faults: readonly string[];
}

/**
 * The plan for steps in the order of the user's request. The ramdisk is booted when a step needs it or when only the
 * agent can know one. As upstream does, invalid steps fail the work after it has begun.
 */
export function planRequested(
  interfaces: Interfaces,
  kind: 'clean' | 'service',
  wanted: readonly WantedStep[],
  disableRamdisk: boolean,
): PlannedStep[] {
  const looked = wanted.map((step) => look(interfaces, kind, step));
  const faults = looked.flatMap((step) => [
    ...step.faults,
    ...(disableRamdisk ? withoutRamdisk(step, kind) : []),
  ]);
  if (faults.length > 0) return [plannedFrom(ownStep('refuse_steps'), { kind, faults })];
  const known = looked.flatMap(({ planned }) => planned ?? []);
  if (disableRamdisk || !looked.some((step) => step.needsRamdisk)) return known;
  const requested: Json[] = looked.map(({ wanted: { interface: owner, step, args }, planned }) => ({
    interface: owner,
    step,
    ...(args ? { args } : {}),
    ...(planned ? { planned: { ...planned } } : {}),
  }));
  return planSteps(interfaces, kind, { [`collect_${kind}_steps`]: { requested } });
}

/** A reserved step; the conductor runs it, whatever interface is named. */
export function reservedStep(wanted: WantedStep): PlannedStep | null {
  if (!isReserved(wanted.step)) return null;
  const planned = plannedFrom(ownStep(wanted.step), wanted.args ?? {});
  return { ...planned, interface: wanted.interface as StepInterface };
}

function look(interfaces: Interfaces, kind: 'clean' | 'service', wanted: WantedStep): Looked {
  const reserved = reservedStep(wanted);
  if (reserved) return { wanted, planned: reserved, needsRamdisk: false, faults: [] };
  const declared = interfaces.steps.find(
    (step) =>
      step.kind === kind && step.visible && step.interface === wanted.interface && step.name === wanted.step,
  );
  if (!declared) return { wanted, planned: null, needsRamdisk: true, faults: [] };
  const args = wanted.args ?? {};
  return {
    wanted,
    planned: plannedFrom(declared, args),
    needsRamdisk: declared.requiresRamdisk ?? true,
    faults: argumentFaults(kind, wanted, declared.args ?? {}),
  };
}

function withoutRamdisk({ wanted, planned, needsRamdisk }: Looked, kind: string): string[] {
  if (!planned) return [`node does not support this ${kind} step: ${stepText(wanted)}`];
  return needsRamdisk ? [`${kind} step ${stepText(wanted)} requires booting a ramdisk`] : [];
}
