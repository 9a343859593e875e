import { FerricError, isDatabaseAway, messageOf, ReservationLostError } from '../../domain/errors.js';
import type { Effect, Journal, StepEvent } from '../../domain/step/advance.js';
import type { Step, StepOutcome } from '../../domain/step/step.js';
import type { Interfaces } from '../../driver/contract/interfaces.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { JournaledOperation, OperationKind } from '../../persistence/operation/operation.repository.js';
import type { OwnContext, OwnStep } from '../workflow/own-step.js';
import { findOwnStep } from '../workflow/own-steps.js';
import type { NodeContexts } from './node-context.js';
import type { NodeDraft } from './node-draft.js';
import type { Reservation } from './reservation.js';

/** Runs one step once and says what became of it. */
export class StepPerformer {
  readonly #contexts: NodeContexts;
  /** The conductor's own steps that work with its memory. */
  readonly #own: readonly OwnStep[];

  constructor({ contexts, reader }: { contexts: NodeContexts; reader: { step: OwnStep } }) {
    this.#contexts = contexts;
    this.#own = [reader.step];
  }

  /** Whether the step only looks and saves: see `StepDeclaration.inside`. */
  isInside(kind: OperationKind, step: Step, draft: NodeDraft): boolean {
    let all: Interfaces;
    try {
      all = this.#contexts.interfacesOf(draft.row);
    } catch {
      return false; // what is wrong with them, its run tells
    }
    const inside = step.agent ? all.deploy.agentStepInside : this.#declared(all, kind, step)?.inside;
    return inside?.({ node: draft.node, interfaces: all }) ?? false;
  }

  /** Whether the step is entered at its deadline: see `StepDeclaration.lastLook`. */
  isEnteredAtDeadline(kind: OperationKind, step: Step, node: Node): boolean {
    // One that the agent listed may be at a reboot of its ramdisk.
    if (step.agent) return true;
    try {
      return this.#declared(this.#contexts.interfacesOf(node), kind, step)?.lastLook ?? false;
    } catch {
      return false; // what is wrong with the interfaces, the clean-up behind the failure tells
    }
  }

  /**
   * @param journal in which the step runs: committed, unless the step is inside
   * @param draft takes what a step that is inside saves
   * @returns the outcome as an event
   * @throws ReservationLostError, the signal's reason, or the database's absence: then nothing is known, and the journal
   *   still says what it said
   */
  async perform(
    operation: JournaledOperation,
    journal: Journal,
    effect: Effect & { do: 'run' },
    draft: NodeDraft,
    reservation: Reservation,
    inside: boolean,
    signal: AbortSignal,
  ): Promise<StepEvent> {
    const { position, wake } = effect;
    const step = journal.steps[position]!;
    try {
      const context = await this.#contexts.forStep(
        reservation,
        draft,
        signal,
        operation,
        journal,
        position,
        wake,
        inside,
      );
      const outcome = await this.#run(context, operation.kind, step, reservation);
      return { on: 'outcome', outcome, late: wake === 'deadline' };
    } catch (error) {
      if (error instanceof ReservationLostError || signal.aborted || isDatabaseAway(error)) throw error;
      return { on: 'failure', message: `${step.interface}.${step.name}: ${messageOf(error)}` };
    }
  }

  async #run(
    context: OwnContext,
    kind: OperationKind,
    step: Step,
    reservation: Reservation,
  ): Promise<StepOutcome> {
    if (step.agent) return context.all.deploy.runAgentStep(context);
    const declared = this.#declared(context.all, kind, step);
    if (!declared) throw new FerricError('unsupported', 'the node has no such step any more');
    try {
      return await declared.run(context);
    } finally {
      if (this.#own.some((known) => known === declared)) this.#contexts.forgetPorts(reservation);
    }
  }

  #declared(
    all: Interfaces,
    kind: OperationKind,
    step: Step,
  ): Pick<OwnStep, 'inside' | 'lastLook' | 'run'> | undefined {
    const same = (known: { interface: string; name: string }) =>
      known.interface === step.interface && known.name === step.name;
    return (
      all.steps.find((known) => known.kind === kind && same(known)) ??
      this.#own.find((known) => known.kinds.includes(kind) && same(known)) ??
      findOwnStep(kind, step)
    );
  }
}
