import type { Json } from '../../../domain/step/step.js';
import type { Port } from '../../../port/port.entity.js';
import { type Field, timestamp, type Writing } from '../../resource/field.js';
import { linksTo } from '../../resource/links.js';
import { flag, macAddress, object, requiredUuid, text, uuid } from '../../resource/schema.js';

type PortField = Field<Port>;
type Column = keyof Port & string;

const shown = (name: Column, since: number, more: Partial<PortField> = {}): PortField => ({
  name,
  since,
  columns: [name],
  read: (row) => row[name],
  sort: true,
  ...more,
});
const json = (name: Column, since: number, more: Partial<PortField> = {}): PortField => {
  const { sort, ...field } = shown(name, since, more);
  return field;
};
const time = (name: 'created_at' | 'updated_at'): PortField =>
  shown(name, 1, { read: (row) => timestamp(row[name]) });
const written = (schema: Writing['schema'], empty: Json, where: Partial<Writing> = {}) => ({
  write: { create: true, patch: true, ...where, schema, empty },
});

/** The port, field by field. Order is the answer's. Source: ironic/api/controllers/v1/port.py. */
export const PORT_FIELDS: readonly PortField[] = [
  shown('uuid', 1, { brief: true, ...written(uuid(), null, { patch: false }) }),
  time('created_at'),
  time('updated_at'),
  shown('address', 1, { brief: true, ...written(macAddress(), null, { required: true }) }),
  json('extra', 1, written(object(), {})),
  json('internal_info', 18),
  shown('is_smartnic', 53, written(flag(), false)),
  json('local_link_connection', 19, written(object(), {})),
  shown('physical_network', 34, written(text(64), null)),
  shown('pxe_enabled', 19, written(flag(), true)),
  shown('node_uuid', 1, written(requiredUuid(), null)),
  shown('name', 88, written(text(), null)),
  shown('description', 97, written(text(), null)),
  shown('vendor', 100, written(text(32), null)),
  shown('category', 101, written(text(80), null)),
  {
    name: 'links',
    since: 1,
    columns: ['uuid'],
    read: (row, { base }) => linksTo(base, `ports/${row.uuid}`),
    always: true,
  },
  // There are no port groups yet, so no port is in one.
  { name: 'portgroup_uuid', since: 24, columns: [], read: () => null, ...written(uuid(), null) },
];
