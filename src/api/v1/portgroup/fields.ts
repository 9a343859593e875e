import type { Portgroup } from '../../../persistence/portgroup/portgroup.entity.js';
import type { Resource } from '../../openapi/describe.js';
import type { Field } from '../../resource/field.js';
import { fieldsOf, written } from '../../resource/fields-of.js';
import { flag, macAddress, object, requiredUuid, text, uuid } from '../../resource/schema.js';

const { shown, json, time, computed, links, below } = fieldsOf<Portgroup>();

/** The fields of a port group, in the answer's order. Source: ironic/api/controllers/v1/portgroup.py. */
export const PORTGROUP_FIELDS = [
  shown('uuid', 23, { brief: true, ...written(uuid(), null, { patch: false }) }),
  time('created_at', 23),
  time('updated_at', 23),
  shown('address', 23, { brief: true, ...written(macAddress().nullable(), null) }),
  json('extra', 23, written(object(), {})),
  json('internal_info', 23),
  shown('mode', 26, written(text(), null)),
  shown('name', 23, { brief: true, ...written(text(), null) }),
  json('properties', 26, written(object(), {})),
  shown('standalone_ports_supported', 23, written(flag(), true)),
  shown('node_uuid', 23, written(requiredUuid(), null, { required: true })),
  shown('physical_network', 102, written(text(64), null)),
  shown('category', 103, written(text(80), null)),
  // Dynamic port groups are created by networks that bond ports themselves; Ferric has none.
  computed('dynamic_portgroup', 111, [], () => false),
  links('portgroups', 23),
  below('portgroups', 'ports', 23),
] as const satisfies readonly Field<Portgroup>[];

export const PORTGROUP: Resource = { name: 'Portgroup', fields: PORTGROUP_FIELDS };
