import type { PatchOperation } from '../../domain/node/json-patch.js';
import { readBoolean } from '../request/value.js';
import type { RuleName } from './policy-table.js';

/** Fields of a node’s patch with their own rule. Source: _authorize_patch_and_get_node of Ironic’s node.py. */
const OF_ROOT: Readonly<Record<string, RuleName>> = {
  instance_info: 'baremetal:node:update_instance_info',
  instance_name: 'baremetal:node:update_instance_info',
  extra: 'baremetal:node:update_extra',
  driver_info: 'baremetal:node:update:driver_info',
  properties: 'baremetal:node:update:properties',
  chassis_uuid: 'baremetal:node:update:chassis_uuid',
  instance_uuid: 'baremetal:node:update:instance_uuid',
  lessee: 'baremetal:node:update:lessee',
  owner: 'baremetal:node:update:owner',
  driver: 'baremetal:node:update:driver_interfaces',
  network_data: 'baremetal:node:update:network_data',
  conductor_group: 'baremetal:node:update:conductor_group',
  name: 'baremetal:node:update:name',
  retired: 'baremetal:node:update:retired',
  retired_reason: 'baremetal:node:update:retired',
  shard: 'baremetal:node:update:shard',
  parent_node: 'baremetal:node:update:parent_node',
  disable_power_off: 'baremetal:node:update:disable_power_off',
};

/** @returns the rules that must all allow the patch */
export function rulesOfNodePatch(patch: readonly PatchOperation[]): RuleName[] {
  const rules = patch.map(({ path, value }): RuleName => {
    const root = path.split('/')[1]!;
    if (Object.hasOwn(OF_ROOT, root)) return OF_ROOT[root]!;
    if (root.endsWith('_interface')) return 'baremetal:node:update:driver_interfaces';
    const turnsCleaningOff = root === 'automated_clean' && readBoolean(String(value)) === false;
    return turnsCleaningOff ? 'baremetal:node:disable_cleaning' : 'baremetal:node:update';
  });
  return rules.length > 0 ? [...new Set(rules)] : ['baremetal:node:update'];
}
