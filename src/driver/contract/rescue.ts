import type { Implementation } from './implementation.js';
import type { StepDeclaration, WorkContext } from './step.js';

/**
 * Boots a machine into a rescue system and back. The work is in steps of kind `rescue` and `unrescue`; the password
 * of the rescue system is instance_info.rescue_password, sealed, and is forgotten as soon as it is set.
 */
export interface RescueInterface extends Implementation {
  readonly steps?: readonly StepDeclaration[];
  /** After a failure or an abort, and before a rescued instance is torn down. Idempotent. */
  cleanUp(context: WorkContext): Promise<void>;
}
