import { InvalidError } from '../../../domain/errors.js';
import { canonicalUuid } from '../../../domain/node/name.js';
import { isProvisionState } from '../../../domain/provision/machine.js';
import type { NodeFilter } from '../../../persistence/node/node-filter.js';
import type { Arguments, ParameterTable } from '../../request/query.js';
import { boolean, shorten, stringList, text, uuid } from '../../request/value.js';
import { detailListingOf, listingOf } from '../../resource/listing.js';

/** ironic/common/faults.py */
const FAULTS = ['power failure', 'clean failure', 'rescue abort failure', 'service failure'];

function provisionState(_name: string, state: string): string {
  if (!isProvisionState(state)) throw new InvalidError(`Provision state "${shorten(state)}" is not valid`);
  return state;
}

function fault(_name: string, value: string): string {
  if (FAULTS.includes(value)) return value;
  const valid = FAULTS.map((name) => `'${name}'`).join(', ');
  throw new InvalidError(
    `Unrecognized fault "${shorten(value)}" is specified, allowed faults are (${valid})`,
  );
}

/** Filters of a node listing. Those that NodeFilter lacks are converted below. */
export const NODE_FILTERS = {
  chassis_uuid: { read: uuid, about: 'Nodes of this chassis' },
  instance_uuid: { read: uuid, about: 'The node of this instance' },
  associated: { read: boolean, about: 'Whether the node has an instance' },
  maintenance: { read: boolean, about: 'Whether the node is in maintenance' },
  provision_state: { since: 9, hidesVersion: true, read: provisionState, about: 'Nodes in this state' },
  driver: { since: 16, read: text, about: 'Nodes of this driver' },
  resource_class: { since: 21, read: text, about: 'Nodes of this resource class' },
  fault: { since: 42, read: fault, about: 'Nodes with this fault' },
  conductor_group: { since: 46, read: text, about: 'Nodes of this conductor group' },
  conductor: { since: 49, read: text, about: 'Nodes that this conductor serves' },
  owner: { since: 50, read: text, about: 'Nodes of this owner' },
  description_contains: { read: text, about: 'Nodes whose description has this text in it' },
  retired: { read: boolean, about: 'Whether the node is retired' },
  lessee: { since: 65, read: text, about: 'Nodes of this lessee' },
  project: { read: text, about: 'Nodes whose owner or lessee is this project' },
  shard: { since: 82, read: stringList, about: 'Nodes of these shards, comma-separated' },
  sharded: { since: 82, read: boolean, about: 'Whether the node has a shard' },
  parent_node: { since: 83, read: text, about: 'Children of this node' },
  include_children: { since: 83, read: boolean, about: 'Child nodes too, not only nodes without a parent' },
  instance_name: { since: 104, read: text, about: 'The node of the instance of this name' },
} as const satisfies ParameterTable;

export const NODE_LIST = listingOf(NODE_FILTERS);
export const NODE_DETAIL_LIST = detailListingOf(NODE_FILTERS);

/** @returns null when no node can match */
export function nodeFilterOf(given: Arguments<typeof NODE_FILTERS>): NodeFilter | null {
  const { shard, parent_node, include_children, ...same } = given;
  const filter: NodeFilter = { ...same };
  if (shard) filter.shards = shard;
  if (!include_children) {
    const parent = parent_node === undefined ? null : canonicalUuid(parent_node);
    if (parent === null && parent_node !== undefined) return null;
    filter.parent_node = parent;
  }
  return filter;
}
