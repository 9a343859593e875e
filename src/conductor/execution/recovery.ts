import { CONDUCTOR } from '../../domain/actor.js';
import { LockedError, NotFoundError } from '../../domain/errors.js';
import { factsOf, isProvisionState } from '../../domain/provision/machine.js';
import type { NodeRepository } from '../../persistence/node/node.repository.js';
import type { OperationRepository, Stranded } from '../../persistence/operation/operation.repository.js';
import type { Logger } from '../../platform/logger.js';
import type { Reservation, Reservations } from './reservation.js';
import type { Transitions } from './transition.js';

interface Deps {
  nodes: NodeRepository;
  operations: OperationRepository;
  reservations: Reservations;
  transitions: Transitions;
  host: string;
  log: Logger;
}

/**
 * Fails nodes in a working state that have no operation in the journal (`onConductorLoss`). State and operation are
 * written in one statement, so only rows from elsewhere are found, such as those of a restored backup. A pending power
 * target without its operation is dropped.
 */
export async function recoverStranded(deps: Deps): Promise<void> {
  const { operations, reservations, host, log } = deps;
  for (const { uuid } of await operations.stranded(host)) {
    try {
      const reservation = await reservations.acquire(uuid, false);
      try {
        const [found] = await operations.stranded(host, uuid);
        if (!found) continue;
        log.warn(
          { node: uuid, state: reservation.node.provision_state },
          'a node was left in work that nobody knows',
        );
        await recover(deps, reservation, found);
      } finally {
        await reservation.release();
      }
    } catch (error) {
      // The node is locked or deleted: the next run decides.
      if (!(error instanceof LockedError) && !(error instanceof NotFoundError)) throw error;
    }
  }
}

async function recover(deps: Deps, { node, fence }: Reservation, { power, work }: Stranded): Promise<void> {
  const { nodes, transitions, host } = deps;
  const changes = power ? { target_power_state: null } : {};
  const state = node.provision_state;
  if (!work || !isProvisionState(state) || factsOf(state).onConductorLoss === undefined) {
    await nodes.update(node.uuid, changes, fence);
    return;
  }
  const last_error = `The conductor ${host} restarted and found no record of the work in "${state}".`;
  await transitions.fire(node, fence, 'fail', { actor: CONDUCTOR, changes: { ...changes, last_error } });
}
