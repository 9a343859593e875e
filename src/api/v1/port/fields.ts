import type { Port } from '../../../persistence/port/port.entity.js';
import type { Resource } from '../../openapi/describe.js';
import type { Field } from '../../resource/field.js';
import { fieldsOf, written } from '../../resource/fields-of.js';
import { flag, macAddress, object, requiredUuid, text, uuid } from '../../resource/schema.js';
import { isForeignLink } from './local-link.js';

const { shown, json, time, links } = fieldsOf<Port>();

/** The fields of a port, in the answer's order. Source: ironic/api/controllers/v1/port.py. */
export const PORT_FIELDS = [
  shown('uuid', 1, { brief: true, ...written(uuid(), null, { patch: false }) }),
  time('created_at', 1),
  time('updated_at', 1),
  shown('address', 1, { brief: true, ...written(macAddress(), null, { required: true }) }),
  json('extra', 1, written(object(), {})),
  json('internal_info', 18),
  shown('is_smartnic', 53, written(flag(), false)),
  json('local_link_connection', 19, {
    ...written(object(), {}),
    read: ({ local_link_connection: link }, { version }) => (isForeignLink(link, version) ? {} : link),
  }),
  shown('physical_network', 34, written(text(64), null)),
  shown('pxe_enabled', 19, written(flag(), true)),
  shown('node_uuid', 1, written(requiredUuid(), null)),
  shown('name', 88, written(text(), null)),
  shown('description', 97, written(text(), null)),
  shown('vendor', 100, written(text(32), null)),
  shown('category', 101, written(text(80), null)),
  shown('available_for_dynamic_portgroup', 111, written(flag(), true)),
  links('ports', 1),
  shown('portgroup_uuid', 24, written(uuid(), null)),
] as const satisfies readonly Field<Port>[];

export const PORT: Resource = { name: 'Port', fields: PORT_FIELDS };
