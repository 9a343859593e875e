import { ConflictError } from '../errors.js';
import { factsOf, isProvisionState } from '../provision/machine.js';

/** Rules of allocations. Source: ironic/conductor/allocations.py. */

interface AllocatedNode {
  readonly uuid: string;
  readonly provision_state: string;
  readonly target_provision_state: string | null;
  readonly maintenance: boolean;
  readonly resource_class: string | null;
}

interface Request {
  readonly uuid: string;
  readonly resource_class: string | null;
  readonly traits: readonly string[];
  readonly candidate_nodes: readonly string[];
}

/** The `last_error` of an allocation that failed. */
export function allocationFailure(uuid: string, error: string): string {
  return `Failed to process allocation ${uuid}: ${error}.`;
}

/**
 * Refuses to remove an allocation from a node in use.
 * @throws ConflictError
 */
export function refuseDeallocation(node: AllocatedNode, allocation: string): void {
  if (node.maintenance) return;
  const state = node.provision_state;
  const updatable = isProvisionState(state) && factsOf(state).nodeUpdatable;
  if (node.target_provision_state && !updatable) {
    throw new ConflictError(
      `Cannot remove allocation ${allocation} for node ${node.uuid}, because the node is in state ${state} where ` +
        'updates are not allowed (and maintenance mode is off)',
    );
  }
  if (state === 'active') {
    throw new ConflictError(
      `Cannot remove allocation ${allocation} for node ${node.uuid}, because the node is active (and maintenance ` +
        'mode is off)',
    );
  }
}

/**
 * Whether an allocation may be created for a node that is in use already.
 * @param traits of the node
 * @returns the fault, null for none
 */
export function backfillFault(
  node: AllocatedNode,
  traits: readonly string[],
  wanted: Request,
): string | null {
  const faults: string[] = [];
  if (node.provision_state !== 'active') {
    faults.push(`Node must be in the "active" state, but the current state is "${node.provision_state}"`);
  }
  if (wanted.resource_class && node.resource_class !== wanted.resource_class) {
    faults.push(
      `Resource class ${node.resource_class ?? 'None'} does not match the requested resource class ${wanted.resource_class}`,
    );
  }
  if (!wanted.traits.every((trait) => traits.includes(trait))) {
    faults.push(`List of traits ${list(traits)} does not match the requested traits ${list(wanted.traits)}`);
  }
  if (wanted.candidate_nodes.length > 0 && !wanted.candidate_nodes.includes(node.uuid)) {
    faults.push(
      `Candidate nodes must be empty or contain the target node, but got ${list(wanted.candidate_nodes)}`,
    );
  }
  if (faults.length === 0) return null;
  return `Cannot backfill an allocation for node ${node.uuid}: ${faults.join('; ')}`;
}

function list(items: readonly string[]): string {
  return `[${items.map((item) => `'${item}'`).join(', ')}]`;
}
