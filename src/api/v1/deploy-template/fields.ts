import type { DeployTemplate } from '../../../persistence/deploy-template/deploy-template.entity.js';
import type { Resource } from '../../openapi/describe.js';
import { objectOf, STRING } from '../../openapi/json-schema.js';
import type { Field } from '../../resource/field.js';
import { fieldsOf, written } from '../../resource/fields-of.js';
import { stepList, stepsInOrder, traitName } from '../../resource/list-schema.js';
import { object, uuid } from '../../resource/schema.js';

const { shown, json, time, links } = fieldsOf<DeployTemplate>();
const STEP = objectOf({
  interface: STRING,
  step: STRING,
  args: { type: 'object' },
  priority: { type: 'integer' },
});
const required = { required: true } as const;

/** The fields of a deploy template. Source: ironic/api/controllers/v1/deploy_template.py. */
export const TEMPLATE_FIELDS = [
  shown('uuid', 55, { brief: true, ...written(uuid(), null, { patch: false }) }),
  time('created_at', 55),
  time('updated_at', 55),
  shown('name', 55, { brief: true, ...written(traitName(), null, required) }),
  json('extra', 55, written(object(), {})),
  links('deploy_templates', 55),
  json('steps', 55, {
    type: { type: 'array', items: STEP },
    read: ({ steps }) => stepsInOrder(steps, 'priority'),
    ...written(stepList('priority', true), null, required),
  }),
] as const satisfies readonly Field<DeployTemplate>[];

export const TEMPLATE: Resource = { name: 'DeployTemplate', fields: TEMPLATE_FIELDS };
