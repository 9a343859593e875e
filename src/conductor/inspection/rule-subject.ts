import { InvalidError } from '../../domain/errors.js';
import type { Inspected } from '../../domain/inspection-rule/action.js';
import { isObject, type Json, type JsonObject } from '../../domain/json.js';
import { sameJson } from '../../domain/node/json-patch.js';
import { isLogicalName, isUuidLike, RESERVED_NODE_NAMES } from '../../domain/node/name.js';
import { isTrait, settleTraits } from '../../domain/node/trait.js';
import { joinSecrets, splitSecrets } from '../../domain/secret-key.js';
import { INTERFACE_KINDS } from '../../driver/contract/interfaces.js';
import type { DriverRegistry } from '../../driver/registry.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { NodeChanges } from '../../persistence/node/node.repository.js';
import type { Port } from '../../persistence/port/port.entity.js';
import type { PortChanges } from '../../persistence/port/port.repository.js';

type Kind = 'object' | 'flag' | number;

/**
 * Attributes of a node that rules may write: those of PATCH, without states. A number is the most characters of a text.
 */
const WRITTEN: Readonly<Record<string, Kind>> = {
  name: 255,
  driver: 255,
  driver_info: 'object',
  extra: 'object',
  properties: 'object',
  instance_info: 'object',
  network_data: 'object',
  resource_class: 80,
  conductor_group: 255,
  description: 4096,
  owner: 255,
  lessee: 255,
  shard: 255,
  automated_clean: 'flag',
  disable_power_off: 'flag',
  retired: 'flag',
  retired_reason: 4096,
  ...Object.fromEntries(INTERFACE_KINDS.map((kind) => [`${kind}_interface`, 255])),
};
/** Attributes that rules may only read. */
const READ = [
  'uuid',
  'provision_state',
  'power_state',
  'maintenance',
  'chassis_uuid',
  'parent_node',
  'protected',
  'boot_mode',
  'secure_boot',
  'instance_uuid',
] as const;
const PORT_WRITTEN: Readonly<Record<string, Kind>> = {
  extra: 'object',
  local_link_connection: 'object',
  pxe_enabled: 'flag',
  is_smartnic: 'flag',
  physical_network: 64,
  name: 255,
  description: 255,
  category: 80,
  vendor: 32,
};
const NEVER_NULL = [
  'driver',
  'conductor_group',
  'disable_power_off',
  'retired',
  'pxe_enabled',
  'is_smartnic',
];
const MASKED = ['driver_info', 'instance_info'] as const;

/** The node as rules see it; secrets are `******`. @param node secrets in clear */
export function ruleSubject(
  node: Node,
  ports: readonly Port[],
  found: { inventory: JsonObject; plugin_data: JsonObject },
): Inspected {
  const pick = (row: object, names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, (row as JsonObject)[name] ?? null]));
  const shown = pick(node, [...READ, ...Object.keys(WRITTEN)]);
  for (const column of MASKED) shown[column] = splitSecrets(node[column]).open;
  return {
    node: shown,
    ports: ports.map((port) => pick(port, ['uuid', 'address', ...Object.keys(PORT_WRITTEN)])),
    traits: new Set(node.traits),
    ...found,
  };
}

/**
 * The rules' changes, to be written.
 * @param node secrets in clear
 * @throws InvalidError naming an attribute that a rule may not write, or a wrong value
 */
export function ruleChanges(
  node: Node,
  before: Inspected,
  after: Inspected,
  registry: DriverRegistry,
): { node: NodeChanges; ports: { uuid: string; changes: PortChanges }[] } {
  const changes = changed('node', before.node, after.node, WRITTEN);
  for (const column of MASKED) {
    const open = changes[column];
    if (open) changes[column] = joinSecrets(open as JsonObject, splitSecrets(node[column]).secrets);
  }
  checkName(changes['name']);
  checkInterfaces({ ...node, ...changes }, changes, registry);
  const traits = [...after.traits];
  const bad = traits.filter((trait) => !isTrait(trait));
  if (bad.length > 0) throw refused(`${bad.join(', ').slice(0, 200)} is no trait`);
  if (traits.toSorted().join() !== node.traits.toSorted().join()) {
    changes['traits'] = settleTraits(node.uuid, traits);
  }
  const ports = after.ports.flatMap((port, at) => {
    const what = changed('port', before.ports[at]!, port, PORT_WRITTEN);
    return Object.keys(what).length > 0 ? [{ uuid: String(port['uuid']), changes: what as PortChanges }] : [];
  });
  return { node: changes as NodeChanges, ports };
}

function changed(
  what: string,
  before: JsonObject,
  after: JsonObject,
  written: Readonly<Record<string, Kind>>,
): JsonObject {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changes: JsonObject = {};
  for (const name of names) {
    const value = after[name] ?? null;
    if (sameJson(before[name] ?? null, value)) continue;
    const kind = Object.hasOwn(written, name) ? written[name] : undefined;
    if (kind === undefined) throw refused(`the attribute ${name} of a ${what} cannot be changed`);
    if (!fits(value, kind) || (value === null && NEVER_NULL.includes(name))) {
      throw refused(
        `the attribute ${name} of a ${what} cannot become ${JSON.stringify(value).slice(0, 100)}`,
      );
    }
    changes[name] = value;
  }
  return changes;
}

function fits(value: Json, kind: Kind): boolean {
  if (kind === 'object') return isObject(value);
  if (value === null) return true;
  return kind === 'flag' ? typeof value === 'boolean' : typeof value === 'string' && value.length <= kind;
}

function checkName(name: Json | undefined): void {
  if (typeof name !== 'string') return;
  if (!isLogicalName(name) || isUuidLike(name) || RESERVED_NODE_NAMES.includes(name)) {
    throw refused(`${name.slice(0, 100)} is no name of a node`);
  }
}

function checkInterfaces(node: JsonObject | Node, changes: JsonObject, registry: DriverRegistry): void {
  const { driver } = node as Node;
  if ('driver' in changes && !registry.isEnabled(driver))
    throw refused(`the driver ${driver} is not enabled`);
  for (const kind of INTERFACE_KINDS) {
    const name = (node as Node)[`${kind}_interface`];
    if (name && ('driver' in changes || `${kind}_interface` in changes))
      registry.checkName(driver, kind, name);
  }
}

function refused(reason: string): InvalidError {
  return new InvalidError(`Inspection rule action execution failed. Reason: ${reason}`);
}
