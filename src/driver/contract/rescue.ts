import type { Implementation } from './implementation.js';
import type { StepDeclaration, WorkContext } from './step.js';

/**
 * Boots a machine into a rescue system and back. The work is in steps of kind `rescue` and `unrescue`. The password
 * of the rescue system is instance_info.rescue_password, encrypted, and is deleted as soon as it is set.
 */
export interface RescueInterface extends Implementation {
  readonly steps?: readonly StepDeclaration[];
  /** Called after a failure or an abort, and before a rescued instance is torn down. Idempotent. */
  cleanUp(context: WorkContext): Promise<void>;
}
