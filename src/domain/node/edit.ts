import { ConflictError, InvalidError } from '../errors.js';
import { isObject, type Json, type JsonObject } from '../json.js';
import { factsOfRow, listedStates } from '../provision/machine.js';
import type { PatchOperation } from './json-patch.js';

/** The fields that the rules read; a node with its secrets in clear has them all. */
export interface EditedNode {
  readonly uuid: string;
  readonly provision_state: string;
  readonly target_provision_state: string | null;
  readonly maintenance: boolean;
  readonly console_enabled: boolean;
  readonly instance_uuid: string | null;
  readonly allocation_uuid: string | null;
  readonly instance_name: string | null;
  readonly resource_class: string | null;
  readonly protected: boolean;
  readonly retired: boolean;
}

/** The changes that the rules read or make. */
export interface NodeEdit {
  properties?: JsonObject;
  maintenance?: boolean;
  maintenance_reason?: string | null;
  fault?: string | null;
  protected?: boolean;
  protected_reason?: string | null;
  retired?: boolean;
  retired_reason?: string | null;
  driver?: string;
  conductor_group?: string;
  resource_class?: string | null;
  instance_info?: JsonObject;
  instance_name?: string | null;
  instance_uuid?: string | null;
  [kind: `${string}_interface`]: string | null | undefined;
}

const SOLE_EXEMPTION = { op: 'remove', path: '/instance_uuid' };

/**
 * Whether a node may be edited at all in its state (Ironic: NodesController.patch).
 * @param inspectWaitKnown the client knows `inspect wait`, so `inspecting` means that work is under way
 * @throws ConflictError
 */
export function refuseDuringTransition(
  node: EditedNode,
  patch: readonly PatchOperation[],
  inspectWaitKnown: boolean,
): void {
  const [only] = patch;
  const exempt = patch.length === 1 && only?.op === SOLE_EXEMPTION.op && only.path === SOLE_EXEMPTION.path;
  if (node.maintenance && exempt) return;
  if (node.target_provision_state && !factsOfRow(node).nodeUpdatable) {
    throw new ConflictError(`Node ${node.uuid} can not be updated while a state transition is in progress.`);
  }
  if (node.provision_state === 'inspecting' && inspectWaitKnown) {
    throw new ConflictError(`Cannot update node "${node.uuid}" while it is in state "inspecting".`);
  }
}

/**
 * Checks an edit against the node's state and adds the changes that follow from it (Ironic: manager.update_node).
 * @param changes fields that get another value than before
 * @throws ConflictError, InvalidError
 */
export function settleEdit<C extends NodeEdit>(node: EditedNode, changes: C): C & NodeEdit {
  const settled: C & NodeEdit = { ...changes };
  refuseProperties(node.uuid, changes.properties);
  if (changes.maintenance === false) Object.assign(settled, { maintenance_reason: null, fault: null });
  settleProtection(node, settled);
  settleRetirement(node, settled);
  for (const field of Object.keys(changes)) {
    if (field.endsWith('_interface')) refuseOutsideStates(node, field, node.maintenance);
  }
  if ('driver' in changes && node.console_enabled) {
    throw new ConflictError(
      `Node ${node.uuid} can not update the driver while the console is enabled. Please stop the console first.`,
    );
  }
  if (changes.instance_uuid && node.instance_uuid) {
    throw new ConflictError(`Node ${node.uuid} is associated with instance ${node.instance_uuid}.`);
  }
  if (changes.instance_uuid === null && node.allocation_uuid) refuseLossOfAllocation(node);
  if ('resource_class' in changes && node.resource_class) {
    refuseOutsideStates(node, 'resource_class', false);
  }
  const { conductor_group } = changes;
  if (conductor_group !== undefined)
    Object.assign(settled, { conductor_group: conductor_group.toLowerCase() });
  const displayName = changes.instance_info?.['display_name'];
  const named = 'instance_name' in changes ? changes.instance_name : node.instance_name;
  if (typeof displayName === 'string' && displayName !== '' && !named) {
    Object.assign(settled, { instance_name: displayName.slice(0, 255) });
  }
  return settled;
}

function settleProtection(node: EditedNode, settled: NodeEdit): void {
  if (settled.protected === false) settled.protected_reason = null;
  if (settled.protected === true && !factsOfRow(node).protectable) {
    throw new ConflictError(
      `Node ${node.uuid} can only be made protected in provision states 'active' or 'rescue', ` +
        `the current state is '${node.provision_state}'`,
    );
  }
  if (settled.protected_reason && !(settled.protected ?? node.protected)) {
    throw new InvalidError('The protected_reason field can only be set when protected is True');
  }
}

function settleRetirement(node: EditedNode, settled: NodeEdit): void {
  if (settled.retired === false) settled.retired_reason = null;
  if (settled.retired === true && factsOfRow(node).inPool) {
    throw new ConflictError(
      `Node ${node.uuid} can not have 'retired' set in provision state 'available', ` +
        `the current state is '${node.provision_state}'`,
    );
  }
  if (settled.retired_reason && !(settled.retired ?? node.retired)) {
    throw new InvalidError('The retired_reason field can only be set when retired is True');
  }
}

function refuseOutsideStates(node: EditedNode, field: string, exempt: boolean): void {
  if (exempt || factsOfRow(node).interfaceEditable) return;
  const states = `(${listedStates('interfaceEditable').join(', ')}) states`;
  const unless = field === 'resource_class' ? `${states}.` : `${states} or in maintenance mode.`;
  throw new ConflictError(
    `Node ${node.uuid} can not have ${field} updated unless it is in one of allowed ${unless}`,
  );
}

/** ironic/objects/node.py, REQUIRED_INT_PROPERTIES */
const WHOLE_NUMBERS = ['local_gb', 'cpus', 'memory_mb'];

/**
 * Sizes that schedulers use must be whole numbers, as numbers or as texts.
 * @throws InvalidError naming those that are not
 */
export function refuseProperties(node: string, properties: Json | undefined): void {
  if (!isObject(properties)) return;
  const wrong = WHOLE_NUMBERS.filter((name) => !isSize(properties[name] ?? 0));
  if (wrong.length === 0) return;
  const given = wrong.map((name) => `${name}=${inWords(properties[name]!)}`);
  throw new InvalidError(
    `The following properties for node ${node} should be non-negative integers, but provided values are: ${given.join(', ')}`,
  );
}

/**
 * What Python's int() turns into a number of at least 0: it truncates fractions of numbers, and refuses them in texts.
 */
function isSize(value: Json): boolean {
  if (typeof value === 'string') return /^\s*\+?\d+(_\d+)*\s*$/.test(value);
  return typeof value === 'boolean' || (typeof value === 'number' && value > -1);
}

function inWords(value: Json): string {
  return typeof value === 'object' ? 'an object' : String(value).slice(0, 50);
}

/** The allocation is removed together with the instance. */
function refuseLossOfAllocation(node: EditedNode): void {
  if (node.maintenance || factsOfRow(node).interfaceEditable) return;
  throw new ConflictError(
    `Node ${node.uuid} with an allocation can not have instance_uuid removed unless it is in one of allowed ` +
      `(${listedStates('interfaceEditable').join(', ')}) states or in maintenance mode. Current state is '${node.provision_state}'.`,
  );
}

/** The port's connectivity fields, which may change only in some states (Ironic: update_port). */
const CONNECTIVITY = [
  'portgroup_uuid',
  'pxe_enabled',
  'local_link_connection',
  'physical_network',
  'node_uuid',
];

/**
 * @param changed names of the port's fields that get another value
 * @throws ConflictError
 */
export function refusePortEdit(port: string, changed: readonly string[], node: EditedNode): void {
  if (node.maintenance) return;
  if (changed.includes('address') && (node.provision_state === 'active' || node.instance_uuid)) {
    throw new ConflictError(
      `Cannot update hardware address for port ${port} as node ${node.uuid} is active or has instance UUID assigned`,
    );
  }
  const cabling = changed.filter((field) => CONNECTIVITY.includes(field));
  if (cabling.length > 0 && !factsOfRow(node).cablingEditable) {
    throw new ConflictError(
      `Port ${port} can not have any connectivity attributes (${CONNECTIVITY.join(', ')}) updated unless ` +
        `node ${node.uuid} is in a ${listedStates('cablingEditable').join(', ')} state or in maintenance mode. ` +
        `The current state is ${node.provision_state}.`,
    );
  }
}

/**
 * @param ports number of ports in the group
 * @throws ConflictError, InvalidError
 */
export function refusePortgroupMove(group: string, node: EditedNode, ports: number): void {
  if (!factsOfRow(node).cablingEditable && !node.maintenance) {
    throw new ConflictError(
      `Portgroup ${group} can not be associated to node ${node.uuid} unless the node is in a ` +
        `${listedStates('cablingEditable').join(', ')} state or in maintenance mode. Current state is '${node.provision_state}'.`,
    );
  }
  if (ports > 0) {
    throw new InvalidError(
      `Portgroup ${group} can not be associated with node ${node.uuid} because there are ports associated ` +
        'with this portgroup.',
    );
  }
}
