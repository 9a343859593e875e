import type { JsonObject } from '../../../domain/json.js';
import { holderOf } from '../../../domain/node/holder.js';
import type { Step } from '../../../domain/step/step.js';
import type { Node } from '../../../persistence/node/node.entity.js';
import type { Microversion } from '../../microversion/microversion.js';
import type { Resource } from '../../openapi/describe.js';
import { FLAG, STRINGS, TEXT } from '../../openapi/json-schema.js';
import type { Field, Reading } from '../../resource/field.js';
import { fieldsOf, written } from '../../resource/fields-of.js';
import { INTERFACES } from '../../resource/interface-kind.js';
import { flag, nonEmptyText, object, requiredText, text, uuid } from '../../resource/schema.js';
import { networkData } from './network-data.js';

/** The context of node fields' readers, besides the row. */
export interface NodeReading extends Reading {
  /** Running steps, by node. */
  readonly steps: ReadonlyMap<string, { kind: string; step: Step }>;
  /** ms, to leave out expired reservations. */
  readonly now: number;
}

type NodeField = Field<Node, NodeReading>;

const { shown, unsorted, json, time, computed, links, below } = fieldsOf<Node, NodeReading>();
const step = (name: string, since: number, kind: string): NodeField =>
  computed(name, since, ['uuid'], (row, { steps }) => {
    const current = steps.get(row.uuid);
    return current?.kind === kind ? stepShown(current.step) : {};
  });

function stepShown(current: Step): JsonObject {
  const { interface: owner, name, priority, abortable, args } = current;
  return {
    step: name,
    interface: owner,
    priority,
    abortable,
    argsinfo: null,
    ...(Object.keys(args).length ? { args } : {}),
  };
}

const interfaces = INTERFACES.map(({ kind, nodeSince }) =>
  shown(`${kind}_interface`, nodeSince, written(text(), null)),
);

/** The fields of a node, in the answer's order. Source: ironic/api/controllers/v1/node.py, versions 1.1–1.115. */
export const NODE_FIELDS = [
  shown('uuid', 1, { brief: true, ...written(uuid(), null, { patch: false }) }),
  // Ironic shows these, but refuses them in `fields` (_get_fields_for_node_query).
  time('created_at', 1, { wholeOnly: true }),
  time('updated_at', 1, { wholeOnly: true }),
  shown('automated_clean', 47, written(flag(), null)),
  ...interfaces,
  shown('boot_mode', 75),
  step('clean_step', 7, 'clean'),
  shown('conductor_group', 46, written(text(), '')),
  shown('console_enabled', 1, { type: FLAG }),
  step('deploy_step', 44, 'deploy'),
  shown('description', 51, written(text(4096), null)),
  shown('disable_power_off', 95, written(flag(), false)),
  shown('driver', 1, written(requiredText(), null, { required: true })),
  json('driver_info', 1, written(object(), {})),
  json('driver_internal_info', 3),
  json('extra', 1, written(object(), {})),
  shown('fault', 42),
  shown('health', 109),
  time('inspection_finished_at', 6),
  time('inspection_started_at', 6),
  json('instance_info', 1, written(object(), {})),
  shown('instance_name', 104, written(nonEmptyText(), null)),
  shown('instance_uuid', 1, { brief: true, ...written(uuid(), null) }),
  shown('last_error', 1),
  shown('lessee', 65, written(text(), null)),
  shown('maintenance', 1, { brief: true, ...written(flag(), false) }),
  shown('maintenance_reason', 1),
  shown('name', 5, { brief: true, ...written(text(), null) }),
  json('network_data', 66, written(networkData(), {})),
  shown('owner', 50, written(text(), null)),
  shown('parent_node', 83, written(text(), null)),
  shown('power_state', 1, { brief: true }),
  json('properties', 1, written(object(), {})),
  shown('protected', 48, written(flag(), false, { create: false })),
  shown('protected_reason', 48, written(text(4096), null, { create: false })),
  shown('provision_state', 1, {
    brief: true,
    read: (row, { version }) => {
      if (row.provision_state === 'available' && !version.does('availableState')) return null;
      if (row.provision_state === 'inspect wait' && !version.does('inspectWaitState')) return 'inspecting';
      return row.provision_state;
    },
  }),
  time('provision_updated_at', 1),
  json('raid_config', 12),
  shown('reservation', 1, {
    columns: ['reservation', 'reservation_expires_at'],
    read: (row, { now }) => holderOf(row, now),
  }),
  shown('resource_class', 21, written(text(80), null)),
  shown('retired', 61, written(flag(), false)),
  shown('retired_reason', 61, written(text(4096), null)),
  shown('secure_boot', 75, { type: FLAG }),
  step('service_step', 87, 'service'),
  shown('shard', 82, written(text(), null)),
  shown('target_power_state', 1),
  shown('target_provision_state', 1),
  json('target_raid_config', 12),
  json('traits', 37, { type: STRINGS }),
  links('nodes', 1),
  computed('conductor', 49, ['conductor_affinity'], (row) => row.conductor_affinity),
  unsorted('chassis_uuid', 1, written(uuid(), null)),
  below('nodes', 'ports', 1, { wholeOnly: true }),
  below('nodes', 'states', 14, { wholeOnly: true }),
  below('nodes', 'portgroups', 24, { wholeOnly: true }),
  below('nodes', 'volume', 32, { wholeOnly: true }),
  unsorted('allocation_uuid', 52, { type: TEXT }),
] as const satisfies readonly NodeField[];

/** The fields of the node that a ramdisk gets from lookup. */
export const LOOKUP_FIELDS = ['uuid', 'properties', 'instance_info', 'driver_internal_info'] as const;

const STATES_FIELDS: readonly string[] = [
  'console_enabled',
  'last_error',
  'power_state',
  'provision_state',
  'target_power_state',
  'target_provision_state',
  'provision_updated_at',
  'raid_config',
  'target_raid_config',
  'boot_mode',
  'secure_boot',
];

/** The fields of `GET states`, by version. */
export function statesFields(version: Microversion): string[] {
  const shown = NODE_FIELDS.filter((field) => STATES_FIELDS.includes(field.name) && version.has(field.since));
  return shown.map(({ name }) => name);
}

export const NODE: Resource = { name: 'Node', fields: NODE_FIELDS };
