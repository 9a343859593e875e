import type { Implementation } from './implementation.js';
import type { StepDeclaration, WorkContext } from './step.js';

/** Finds out what a machine is made of. The work itself is a step of kind `inspect`. */
export interface InspectInterface extends Implementation {
  readonly steps?: readonly StepDeclaration[];
  /** Called once when an inspection failed or was aborted: takes back what was published for it. Idempotent. */
  cleanUp(context: WorkContext): Promise<void>;
}
