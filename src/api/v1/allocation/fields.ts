import type { Allocation } from '../../../persistence/allocation/allocation.entity.js';
import type { Resource } from '../../openapi/describe.js';
import { STRINGS, TEXT } from '../../openapi/json-schema.js';
import type { Field } from '../../resource/field.js';
import { fieldsOf, written } from '../../resource/fields-of.js';
import { traitList, wordList } from '../../resource/list-schema.js';
import { object, text, uuid } from '../../resource/schema.js';

const { shown, unsorted, json, time, links } = fieldsOf<Allocation>();
const brief = { brief: true } as const;
const atCreation = { patch: false } as const;

/** The fields of an allocation, in the answer's order. Source: ironic/api/controllers/v1/allocation.py. */
export const ALLOCATION_FIELDS = [
  shown('uuid', 52, { ...brief, ...written(uuid(), null, atCreation) }),
  { ...time('created_at', 52), ...brief },
  { ...time('updated_at', 52), ...brief },
  json('candidate_nodes', 52, { ...brief, type: STRINGS, ...written(wordList(), [], atCreation) }),
  json('extra', 52, { ...brief, ...written(object(), {}) }),
  shown('last_error', 52, brief),
  shown('name', 52, { ...brief, ...written(text(), null) }),
  shown('owner', 60, { ...brief, ...written(text(), null, atCreation) }),
  shown('resource_class', 52, { ...brief, ...written(text(80), null, atCreation) }),
  shown('state', 52, brief),
  json('traits', 52, { ...brief, type: STRINGS, ...written(traitList(), [], atCreation) }),
  links('allocations', 52),
  unsorted('node_uuid', 52, { ...brief, type: TEXT }),
] as const satisfies readonly Field<Allocation>[];

export const ALLOCATION: Resource = { name: 'Allocation', fields: ALLOCATION_FIELDS };
