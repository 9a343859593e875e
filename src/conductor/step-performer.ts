import { isDatabaseAway } from '../database/data-source.js';
import { FerricError, LeaseLostError, messageOf } from '../domain/errors.js';
import type { Effect, StepEvent } from '../domain/step/advance.js';
import type { StepOutcome } from '../domain/step/step.js';
import type { Node } from '../node/node.entity.js';
import type { JournaledOperation } from '../operation/operation.repository.js';
import type { NodeContexts } from './node-context.js';
import type { Lease } from './reservation.js';
import type { OwnContext, OwnStep } from './workflow/own-step.js';
import { findOwnStep } from './workflow/own-steps.js';

/** Runs one step once and says what became of it. */
export class StepPerformer {
  constructor(
    private readonly contexts: NodeContexts,
    /** The conductor's own steps that work with its memory. */
    private readonly own: readonly OwnStep[],
  ) {}

  /**
   * @returns the outcome as an event
   * @throws LeaseLostError, the signal's reason, or the database's absence: then nothing is known, and the journal
   *   still says that the step runs
   */
  async perform(
    operation: JournaledOperation,
    effect: Effect & { do: 'run' },
    node: Node,
    lease: Lease,
    signal: AbortSignal,
  ): Promise<StepEvent> {
    try {
      const context = await this.contexts.forStep(
        lease,
        node,
        signal,
        operation,
        effect.position,
        effect.wake,
      );
      return { on: 'outcome', outcome: await this.#run(context, operation, effect.position, lease) };
    } catch (error) {
      if (error instanceof LeaseLostError || signal.aborted || isAway(error)) throw error;
      const step = operation.journal.steps[effect.position]!;
      return { on: 'failure', message: `${step.interface}.${step.name}: ${messageOf(error)}` };
    }
  }

  async #run(
    context: OwnContext,
    operation: JournaledOperation,
    position: number,
    lease: Lease,
  ): Promise<StepOutcome> {
    const step = operation.journal.steps[position]!;
    if (step.agent) return context.all.deploy.runAgentStep(context);
    const same = (known: { interface: string; name: string }) =>
      known.interface === step.interface && known.name === step.name;
    const own = this.own.find((known) => known.kinds.includes(operation.kind) && same(known));
    const declared =
      context.all.steps.find((known) => known.kind === operation.kind && same(known)) ??
      own ??
      findOwnStep(operation.kind, step);
    if (!declared) throw new FerricError('unsupported', 'the node has no such step any more');
    try {
      return await declared.run(context);
    } finally {
      if (own) this.contexts.forgetPorts(lease);
    }
  }
}

function isAway(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (isDatabaseAway(at) || (at instanceof FerricError && at.code === 'unavailable')) return true;
  }
  return false;
}
