import type { Conductor } from '../../conductor/service/conductor.js';
import { refuseDuplicates } from './list-schema.js';

/**
 * Checks steps of a runbook or a deploy template before they are stored.
 * @throws InvalidError for a repeated step, ForbiddenError for one that may not be requested
 */
export function refuseSteps(
  conductor: Pick<Conductor, 'drivers'>,
  steps: readonly { interface: string; step: string }[],
): void {
  refuseDuplicates(steps);
  conductor.drivers.refuseRaw(steps);
}
