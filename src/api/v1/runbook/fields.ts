import type { Runbook } from '../../../persistence/runbook/runbook.entity.js';
import type { Microversion } from '../../microversion/microversion.js';
import type { Resource } from '../../openapi/describe.js';
import { objectOf, STRING, STRINGS } from '../../openapi/json-schema.js';
import type { Field } from '../../resource/field.js';
import { fieldsOf, written } from '../../resource/fields-of.js';
import { stepList, stepsInOrder, traitName } from '../../resource/list-schema.js';
import { object, strictFlag, text, uuid, wordOf } from '../../resource/schema.js';

const { shown, json, time, links } = fieldsOf<Runbook>();
const STEP = objectOf({
  interface: STRING,
  step: STRING,
  args: { type: 'object' },
  order: { type: 'integer' },
});
const required = { required: true } as const;

/** The fields of a runbook. Source: ironic/api/controllers/v1/runbook.py. */
const FIELDS = [
  shown('uuid', 92, { brief: true, ...written(uuid(), null, { patch: false }) }),
  time('created_at', 92),
  time('updated_at', 92),
  shown('name', 92, { brief: true, ...written(wordOf(/^[A-Za-z0-9\-._~]+$/), null, required) }),
  shown('description', 112, written(text(), null)),
  shown('disable_ramdisk', 92, written(strictFlag(), false)),
  json('extra', 92, written(object(), {})),
  shown('owner', 92, written(text(), null)),
  shown('public', 92, written(strictFlag(), false)),
  links('runbooks', 92),
  json('steps', 92, {
    type: { type: 'array', items: STEP },
    read: ({ steps }) => stepsInOrder(steps, 'order'),
    ...written(stepList('order', false), null, required),
  }),
  json('traits', 112, { type: STRINGS }),
] as const satisfies readonly Field<Runbook>[];

export const RUNBOOK_FIELDS = FIELDS;

/** For PATCH: a description newer than the version is an unknown field, 400 and not 406, as in Ironic. */
export function editFields(version: Microversion): readonly (typeof FIELDS)[number][] {
  return version.does('runbookTraits') ? FIELDS : FIELDS.filter(({ name }) => name !== 'description');
}

/** For POST: before runbook traits, the name was the trait that a node needs. PATCH takes any name, as Ironic does. */
export function creationFields(version: Microversion): readonly (typeof FIELDS)[number][] {
  if (version.does('runbookTraits')) return FIELDS;
  return editFields(version).map((field) =>
    field.name === 'name' ? { ...field, ...written(traitName(), null, required) } : field,
  );
}

export const RUNBOOK: Resource = { name: 'Runbook', fields: RUNBOOK_FIELDS };
