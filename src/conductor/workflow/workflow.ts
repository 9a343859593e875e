import type { ProvisionEvent } from '../../domain/provision/table.js';
import type { JsonObject, PlannedStep } from '../../domain/step/step.js';
import { orderSteps } from '../../domain/step/step.js';
import type { Interfaces } from '../../driver/contract/interfaces.js';
import type { StepDeclaration, StepKind } from '../../driver/contract/step.js';
import type { Node } from '../../node/node.entity.js';
import type { NodeChanges } from '../../node/node.repository.js';
import type { OperationKind } from '../../operation/operation.repository.js';

/** What one kind of operation does to the provision state when it waits and when it ends. Data. */
export interface Workflow {
  readonly kind: OperationKind;
  /** The wait state has events `wait` and `resume`. */
  readonly waits: boolean;
  /** Seconds that a step may wait when it does not say; a key of the conductor's configuration. */
  readonly timeout: 'deploy_callback_timeout' | 'clean_callback_timeout' | null;
  /** Event when all steps are done. */
  succeed(node: Node): { event: ProvisionEvent | null; changes: NodeChanges };
  /** Event for the end of a failure; the first that is legal is fired. */
  fail(failure: { aborted: boolean; message: string | null; executing: boolean }): {
    events: readonly ProvisionEvent[];
    changes: NodeChanges;
  };
  /** Drivers withdraw and power off before the state says that it failed. */
  readonly cleansUp: StepKind | null;
}

/** The interfaces' own steps of a kind that are on, in order. */
export function planSteps(
  interfaces: Interfaces,
  kind: StepKind,
  args: Readonly<Record<string, JsonObject>> = {},
): PlannedStep[] {
  return orderSteps(
    interfaces.steps
      .filter((step) => step.kind === kind)
      .map((step) => plannedFrom(step, args[step.name] ?? {})),
  );
}

export function plannedFrom(step: StepDeclaration, args: JsonObject): PlannedStep {
  const { interface: owner, name, priority, abortable, rerunnable, visible } = step;
  return { interface: owner, name, priority, args, abortable, rerunnable, visible, agent: false };
}
