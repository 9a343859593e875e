import type { InspectionRule } from '../../../persistence/inspection-rule/inspection-rule.entity.js';
import type { Resource } from '../../openapi/describe.js';
import { FLAG, type JsonSchema, STRUCTURE } from '../../openapi/json-schema.js';
import type { Field } from '../../resource/field.js';
import { fieldsOf, written } from '../../resource/fields-of.js';
import { strictFlag, text, uuid } from '../../resource/schema.js';
import { actionList, conditionList, priority } from './rule-schema.js';

const { shown, time, links, computed } = fieldsOf<InspectionRule>();
const LIST: JsonSchema = { type: ['array', 'null'], items: STRUCTURE };

interface Looped {
  readonly op: string;
  readonly args: unknown;
  readonly loop?: object;
}

function operation({ op, args, loop }: Looped, more: object = {}): object {
  return { op, args, ...(loop && Object.keys(loop).length > 0 ? { loop, ...more } : {}) };
}

/** The fields of an inspection rule. Source: ironic/api/controllers/v1/inspection_rule.py. */
export const RULE_FIELDS = [
  shown('uuid', 96, { brief: true, ...written(uuid(), null, { patch: false }) }),
  time('created_at', 96),
  time('updated_at', 96),
  shown('description', 96, { brief: true, ...written(text(), null) }),
  shown('phase', 96, { brief: true, ...written(text(16), 'main') }),
  shown('priority', 96, { brief: true, ...written(priority(), 0) }),
  shown('sensitive', 96, { type: FLAG, ...written(strictFlag(), false) }),
  links('inspection_rules', 96),
  {
    ...computed('actions', 96, ['actions', 'sensitive'], (row) =>
      row.sensitive ? null : row.actions.map((action) => operation(action)),
    ),
    type: LIST,
    ...written(actionList(), null, { required: true }),
  },
  {
    ...computed('conditions', 96, ['conditions', 'sensitive'], (row) =>
      row.sensitive
        ? null
        : row.conditions.map((condition) => operation(condition, { multiple: condition.multiple ?? 'any' })),
    ),
    type: LIST,
    ...written(conditionList(), []),
  },
] as const satisfies readonly Field<InspectionRule>[];

export const RULE: Resource = { name: 'InspectionRule', fields: RULE_FIELDS };
