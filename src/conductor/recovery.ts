import { factsOf, isProvisionState } from '../domain/provision/machine.js';
import type { NodeRepository } from '../node/node.repository.js';
import type { OperationRepository } from '../operation/operation.repository.js';
import type { Logger } from '../platform/logger.js';
import type { Reservations } from './reservation.js';
import type { Transitions } from './transition.js';

/**
 * Nodes in a working state with no operation in the journal: their work is unknown, so it has failed
 * (`onConductorLoss`). State and operation are written in one transaction, so this finds only what came from
 * elsewhere, a restored backup for one. A pending power target without its operation is dropped.
 */
export async function recoverStranded(deps: {
  nodes: NodeRepository;
  operations: OperationRepository;
  reservations: Reservations;
  transitions: Transitions;
  host: string;
  log: Logger;
}): Promise<void> {
  const { nodes, operations, reservations, transitions, host, log } = deps;
  for (const node of await nodes.list({ conductor: host }, { limit: 1_000_000 })) {
    const facts = isProvisionState(node.provision_state) ? factsOf(node.provision_state) : null;
    const working = facts?.onConductorLoss !== undefined && !(await operations.openOf(node.uuid));
    const power = node.target_power_state !== null && !(await operations.hasOpenPower(node.uuid));
    if (!working && !power) continue;
    log.warn({ node: node.uuid, state: node.provision_state }, 'a node was left in work that nobody knows');
    const lease = await reservations.acquire(node.uuid, true);
    try {
      const changes = power ? { target_power_state: null } : {};
      const last_error = `The conductor ${host} restarted and found no record of the work in "${node.provision_state}".`;
      if (!working) await nodes.update(node.uuid, changes, lease.fence);
      else await transitions.fire(lease.node, lease.fence, 'fail', { changes: { ...changes, last_error } });
    } finally {
      await lease.release();
    }
  }
}
