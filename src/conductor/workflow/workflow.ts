import type { JsonObject } from '../../domain/json.js';
import type { ProvisionEvent } from '../../domain/provision/table.js';
import type { PlannedStep } from '../../domain/step/step.js';
import { orderSteps } from '../../domain/step/step.js';
import type { Interfaces } from '../../driver/contract/interfaces.js';
import type { StepDeclaration, StepKind, WorkContext } from '../../driver/contract/step.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { NodeChanges } from '../../persistence/node/node.repository.js';
import type { OperationKind } from '../../persistence/operation/operation.repository.js';

/** How one kind of operation changes the provision state when it waits and when it ends, as data. */
export interface Workflow {
  readonly kind: OperationKind;
  /** Whether its states have the events `wait` and `resume`. */
  readonly waits: boolean;
  /** The default timeout of a step's wait: a key of the conductor's configuration. */
  readonly timeout: WaitTimeout;
  /**
   * Heartbeats and polls are ignored while the node is in maintenance: somebody is working on the machine (Ironic:
   * agent_base.py, _heartbeat_in_maintenance).
   */
  readonly restsInMaintenance: boolean;
  /** Event when all steps are done. */
  succeed(node: Node): { event: ProvisionEvent | null; changes: NodeChanges };
  /** Events after a failure: the first that is legal is fired, then `followedBy` where that is legal. */
  fail(failure: Failure): {
    events: readonly ProvisionEvent[];
    followedBy?: ProvisionEvent;
    changes: NodeChanges;
  };
  /** Before the state changes to failed, drivers withdraw what they published and power the machine off. */
  readonly cleanUp:
    | ((
        context: FailureContext,
        operation: { uuid: string; reason: string; aborted: boolean; executing: Failure['executing'] },
      ) => Promise<void>)
    | null;
}

/** Keys of the conductor's configuration, in seconds there. */
export const WAIT_TIMEOUTS = [
  'deploy_callback_timeout',
  'clean_callback_timeout',
  'inspect_wait_timeout',
  'rescue_callback_timeout',
  'service_callback_timeout',
] as const;
export type WaitTimeout = (typeof WAIT_TIMEOUTS)[number];

export interface Failure {
  readonly node: Node;
  readonly aborted: boolean;
  readonly message: string | null;
  /** The step that a user sees as under way, `interface.name`; null without one. */
  readonly executing: string | null;
}

export type FailureContext = WorkContext & { readonly all: Interfaces };

/** The interfaces' enabled steps of a kind, in order. */
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

export function plannedFrom(step: Omit<StepDeclaration, 'run' | 'kind'>, args: JsonObject): PlannedStep {
  const { interface: owner, name, priority, abortable, rerunnable, visible, byAgent: agent = false } = step;
  return { interface: owner, name, priority, args, abortable, rerunnable, visible, agent };
}
