import { Injectable } from '@nestjs/common';
import type { Node } from '../../../persistence/node/node.entity.js';
import { OperationRepository } from '../../../persistence/operation/operation.repository.js';
import type { Asked } from '../../request/asked.js';
import { type Selection, type View, viewOf } from '../../resource/field.js';
import { JsonText, type ListText } from '../../resource/json-text.js';
import { type TextRow, type TextView, textViewOf } from '../../resource/text-view.js';
import { NODE_FIELDS, type NodeReading } from './fields.js';
import { GUARDED_FIELDS, redactionFor } from './redaction.js';

type NodeTextView = TextView<Node, NodeReading>;
type CurrentStep = NodeReading['steps'] extends ReadonlyMap<string, infer Current> ? Current : never;
const NO_STEPS: NodeReading['steps'] = new Map();
/** Columns for the marker of the next page, for running steps, and for the permissions. */
const NEEDED = ['uuid', 'target_provision_state', 'owner', 'lessee'];
const STEP_FIELDS = ['clean_step', 'deploy_step', 'service_step'];

const showsSteps = (selection: Selection) =>
  selection === 'whole' || (selection !== 'brief' && STEP_FIELDS.some((field) => selection.includes(field)));
/** A node in a transition has a target; only such nodes have a running step. */
const isBusy = (row: Pick<Node, 'target_provision_state'>) => row.target_provision_state !== null;

/** Node rows as answers. */
@Injectable()
export class NodeView {
  readonly #textViews = new Map<string, NodeTextView>();

  constructor(private readonly operations: OperationRepository) {}

  viewOf(asked: Asked, selection: Selection): View<Node, NodeReading> {
    return viewOf(NODE_FIELDS, asked.version, selection);
  }

  /** One query at most, whatever the number of rows; none when the selection shows no steps. */
  async show(
    rows: readonly Node[],
    asked: Asked,
    selection: Selection,
    view = this.viewOf(asked, selection),
  ): Promise<Record<string, unknown>[]> {
    const busy = showsSteps(selection) ? rows.filter(isBusy).map((row) => row.uuid) : [];
    const steps = busy.length > 0 ? await this.operations.currentSteps(busy) : NO_STEPS;
    const reading: NodeReading = { version: asked.version, base: asked.base, steps, now: Date.now() };
    const instead = redactionFor(asked.scope);
    return rows.map((row) => {
      const shown = view.show(row, reading);
      for (const field of instead ? Object.keys(shown) : [])
        shown[field] = instead!(field, row) ?? shown[field];
      return shown;
    });
  }

  /**
   * Writes a listing while its rows are read.
   * @param read reads the rows with the view's columns and groups, and passes each to `take`
   */
  async write(
    text: ListText,
    asked: Asked,
    selection: Selection,
    read: (view: NodeTextView, take: (row: TextRow<Node>) => void) => Promise<void>,
  ): Promise<void> {
    const { version, base } = asked;
    const view = this.#textView(asked, selection);
    const steps = new Map<string, CurrentStep>();
    const reading: NodeReading = { version, base, steps, now: Date.now() };
    const showsStep = showsSteps(selection);
    const busy: string[] = [];
    await read(view, (row) => {
      if (!showsStep || !isBusy(row)) return text.add(view.show(row, reading));
      busy.push(row.uuid);
      text.add(() => view.show(row, reading));
    });
    if (busy.length === 0) return;
    for (const [uuid, step] of await this.operations.currentSteps(busy)) steps.set(uuid, step);
  }

  /**
   * Writes one node.
   * @param read reads the row with the view's columns and groups
   */
  async text(
    asked: Asked,
    selection: Selection,
    read: (view: NodeTextView) => Promise<TextRow<Node>>,
  ): Promise<JsonText> {
    const view = this.#textView(asked, selection);
    const row = await read(view);
    const isStepShown = showsSteps(selection) && isBusy(row);
    const steps = isStepShown ? await this.operations.currentSteps([row.uuid]) : NO_STEPS;
    const { version, base } = asked;
    return new JsonText(Buffer.from(view.show(row, { version, base, steps, now: Date.now() })));
  }

  /** Views of all fields and of the brief listing are cached; selected or redacted ones are made each time. */
  #textView({ version, scope }: Asked, selection: Selection): NodeTextView {
    const redaction = redactionFor(scope);
    const key = redaction || typeof selection !== 'string' ? null : `${selection} ${String(version)}`;
    const known = key === null ? undefined : this.#textViews.get(key);
    if (known) return known;
    const made = textViewOf(NODE_FIELDS, version, selection, redaction, GUARDED_FIELDS);
    const view = { ...made, columns: [...new Set([...made.columns, ...NEEDED])] };
    if (key !== null) this.#textViews.set(key, view);
    return view;
  }

  async one(row: Node, asked: Asked, selection: Selection = 'whole'): Promise<Record<string, unknown>> {
    const [shown] = await this.show([row], asked, selection);
    return shown!;
  }
}
