import type { StepOutcome } from '../../domain/step/step.js';
import type { Implementation } from './implementation.js';
import type { StepContext, StepDeclaration, StepKind, WorkContext } from './step.js';

export interface DeployInterface extends Implementation {
  /** Runs a step that the agent listed (`Step.agent`). */
  runAgentStep(context: StepContext): Promise<StepOutcome>;
  /** Whether a deployment may request steps that only the agent knows; they are checked once it has listed its own. */
  readonly agentDeploySteps?: boolean;
  /** As `inside` of a declared step, for the steps that the agent listed. */
  readonly agentStepInside?: StepDeclaration['inside'];
  /**
   * Called once when a workflow failed or was aborted: collects the ramdisk's logs as configured, withdraws what
   * was published, powers off as configured. Best effort: faults of the machine are logged, not thrown.
   */
  cleanUpFailure(context: WorkContext, operation: FailedWork): Promise<void>;
}

/** A workflow that failed or was aborted. */
export interface FailedWork {
  readonly uuid: string;
  readonly kind: StepKind;
  readonly reason: string;
  readonly aborted?: boolean;
  /** The step that users see as running, `interface.name`; null: none. */
  readonly executing?: string | null;
}
