import type { Parameters } from '../../database/statement.js';

/** Requirements of an allocation for a node. */
export interface WantedNode {
  resource_class: string | null;
  traits: readonly string[];
  /** uuids of nodes; empty: any. */
  candidates: readonly string[];
  /** A project that must own or lease the node; null: any node. */
  project: string | null;
  /** A node of this name is preferred. */
  name: string | null;
}

/** Conditions for nodes that an allocation may take, as in Ironic: conductor/allocations.py, _candidate_nodes. */
export function freeConditions(wanted: WantedNode, parameters: Parameters): string[] {
  const where = [
    `provision_state = 'available'`,
    'instance_uuid is null',
    'power_state is not null',
    'not maintenance',
    'parent_node is null',
    `resource_class = ${parameters.add(wanted.resource_class)}`,
  ];
  if (wanted.candidates.length > 0) where.push(`uuid = any(${parameters.add(wanted.candidates)}::uuid[])`);
  if (wanted.project !== null) {
    const project = parameters.add(wanted.project);
    where.push(`(owner = ${project} or lessee = ${project})`);
  }
  if (wanted.traits.length > 0)
    where.push(`traits @> ${parameters.add(JSON.stringify(wanted.traits))}::jsonb`);
  return where;
}
