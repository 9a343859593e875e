import type { Conductor } from '../../conductor/service/conductor.js';
import type { Json } from '../../domain/json.js';
import { refuseDuplicates } from './list-schema.js';

/**
 * Steps of a runbook or a deploy template, before they are kept.
 * @throws InvalidError for one that is there twice, ForbiddenError for one that nobody may ask for
 */
export function refuseSteps(conductor: Pick<Conductor, 'drivers'>, steps: Json | undefined): void {
  refuseDuplicates(steps);
  conductor.drivers.refuseRaw(steps as unknown as { interface: string; step: string }[]);
}
