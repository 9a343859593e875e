import type { Conductor } from '../../conductor/service/conductor.js';
import type { Json } from '../../domain/json.js';
import { refuseDuplicates } from './list-schema.js';

/**
 * Checks steps of a runbook or a deploy template before they are stored.
 * @throws InvalidError for a repeated step, ForbiddenError for one that may not be requested
 */
export function refuseSteps(conductor: Pick<Conductor, 'drivers'>, steps: Json | undefined): void {
  refuseDuplicates(steps);
  conductor.drivers.refuseRaw(steps as unknown as { interface: string; step: string }[]);
}
