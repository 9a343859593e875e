import type { Parameters } from '../../database/statement.js';
import type { Node } from './node.entity.js';

/** A held reservation; every write under it is refused once the node has another `epoch`. */
export interface Fence {
  readonly holder: string;
  readonly epoch: string;
}

/** Condition: the reservation is held, by the database's clock. */
export function fenceCondition(fence: Fence, parameters: Parameters): string {
  const holder = parameters.add(fence.holder);
  const epoch = parameters.add(fence.epoch);
  return `reservation = ${holder} and reservation_epoch = ${epoch} and reservation_expires_at > now()`;
}

/** Assignments that release a reservation. */
export const RELEASE_SET = 'reservation = null, reservation_expires_at = null';

/** Conditions: neither the columns nor their sealed halves were written since `seen` was read. */
export function unchangedConditions(
  seen: Node,
  columns: readonly ('driver_info' | 'driver_internal_info' | 'instance_info')[],
  parameters: Parameters,
): string[] {
  return columns.flatMap((column) => [
    `${column} = ${parameters.add(JSON.stringify(seen[column]))}::jsonb`,
    `${column}_sealed is not distinct from ${parameters.add(seen[`${column}_sealed`])}::bytea`,
  ]);
}
