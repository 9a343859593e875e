import type { Chassis } from '../../../persistence/chassis/chassis.entity.js';
import type { Resource } from '../../openapi/describe.js';
import type { Field } from '../../resource/field.js';
import { fieldsOf, written } from '../../resource/fields-of.js';
import { object, text, uuid } from '../../resource/schema.js';

const { shown, json, time, links, below } = fieldsOf<Chassis>();

/** The fields of a chassis, in the answer's order. Source: ironic/api/controllers/v1/chassis.py. */
export const CHASSIS_FIELDS = [
  shown('uuid', 1, { brief: true, ...written(uuid(), null) }),
  time('created_at', 1),
  time('updated_at', 1),
  shown('description', 1, { brief: true, ...written(text(), null) }),
  json('extra', 1, written(object(), {})),
  links('chassis', 1),
  below('chassis', 'nodes', 1),
] as const satisfies readonly Field<Chassis>[];

export const CHASSIS: Resource = { name: 'Chassis', fields: CHASSIS_FIELDS };
