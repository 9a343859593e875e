import { Injectable } from '@nestjs/common';
import type { Node } from '../../../node/node.entity.js';
import { OperationRepository } from '../../../operation/operation.repository.js';
import type { Asked } from '../../request/asked.js';
import { type Selection, type View, viewOf } from '../../resource/field.js';
import { NODE_FIELDS, type NodeReading } from './fields.js';
import { redactorFor } from './redaction.js';

const NO_STEPS: NodeReading['steps'] = new Map();
const STEP_FIELDS = ['clean_step', 'deploy_step', 'service_step'];

/** Node rows as answers. */
@Injectable()
export class NodeView {
  constructor(private readonly operations: OperationRepository) {}

  viewOf(asked: Asked, selection: Selection): View<Node, NodeReading> {
    return viewOf(NODE_FIELDS, asked.version, selection);
  }

  /** One query at most, whatever the number of rows; none where the selection shows no steps. */
  async show(
    rows: readonly Node[],
    asked: Asked,
    selection: Selection,
    view = this.viewOf(asked, selection),
  ): Promise<Record<string, unknown>[]> {
    const showsSteps =
      selection === 'whole' ||
      (selection !== 'brief' && STEP_FIELDS.some((field) => selection.includes(field)));
    // A node that is in a transition has a target; only those have a step under way.
    const busy = showsSteps ? rows.filter((row) => row.target_provision_state !== null) : [];
    const steps =
      busy.length > 0 ? await this.operations.currentSteps(busy.map((row) => row.uuid)) : NO_STEPS;
    const context: NodeReading = { version: asked.version, base: asked.base, steps, now: Date.now() };
    const redact = redactorFor(asked.scope);
    return rows.map((row) => {
      const shown = view.show(row, context);
      redact(shown, row);
      return shown;
    });
  }

  async one(row: Node, asked: Asked, selection: Selection = 'whole'): Promise<Record<string, unknown>> {
    const [shown] = await this.show([row], asked, selection);
    return shown!;
  }
}
