import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import { InvalidError } from '../../../domain/errors.js';
import { validateRule } from '../../../domain/inspection-rule/validate.js';
import type { InspectionRule } from '../../../persistence/inspection-rule/inspection-rule.entity.js';
import {
  InspectionRuleRepository,
  type RuleChanges,
} from '../../../persistence/inspection-rule/inspection-rule.repository.js';
import type { Asked } from '../../request/asked.js';
import { type Edit, readCreation, readEdit } from '../../resource/write.js';
import { RULE_FIELDS } from './fields.js';

const DEFAULTS = { conditions: [], phase: 'main', priority: 0, sensitive: false };

/** Creates and edits inspection rules as bodies and patches request. */
@Injectable()
export class InspectionRuleEditor {
  constructor(
    private readonly rules: InspectionRuleRepository,
    private readonly conductor: Conductor,
  ) {}

  async create(body: unknown, asked: Asked): Promise<InspectionRule> {
    const values = readCreation('inspection_rule', RULE_FIELDS, body, asked.version);
    const rule = { ...DEFAULTS, ...values, uuid: values.uuid ?? randomUUID() };
    validateRule(rule);
    return this.conductor.records.of('inspection_rule', this.rules).create(rule, asked.by);
  }

  async patch(found: InspectionRule, body: unknown, asked: Asked): Promise<InspectionRule> {
    const edit = readEdit(RULE_FIELDS, body, asked.version);
    const change = (rule: InspectionRule) => changesOf(edit, rule);
    return this.conductor.records.of('inspection_rule', this.rules).edit(found.uuid, change, asked.by);
  }
}

function changesOf(edit: Edit<typeof RULE_FIELDS>, found: InspectionRule): RuleChanges {
  const { document, changes } = edit.apply(found);
  if (found.sensitive && changes.sensitive === false) {
    throw new InvalidError(
      "Couldn't apply patch. Reason: Inspection rules cannot have the sensitive flag unset.",
    );
  }
  validateRule(document);
  const { conditions, actions, sensitive } = document;
  return { ...changes, conditions, actions, sensitive };
}
