import { codeOf, FerricError, isDatabaseAway, messageOf, ReservationLostError } from '../../domain/errors.js';
import type { StepEvent } from '../../domain/step/advance.js';
import type { Step, StepOutcome } from '../../domain/step/step.js';
import type { Interfaces } from '../../driver/contract/interfaces.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { OperationKind } from '../../persistence/operation/operation.repository.js';
import type { OwnContext, OwnStep } from '../workflow/own-step.js';
import { findOwnStep } from '../workflow/own-steps.js';
import type { NodeContexts } from './node-context.js';
import type { Reservation } from './reservation.js';
import { writesRowsOnly } from './row-steps.js';
import { type Run, type StepTurn, stepOf } from './run.js';

/** Runs one step once and returns its outcome. */
export class StepPerformer {
  readonly #contexts: NodeContexts;
  /** Steps of the conductor itself that use its repositories. */
  readonly #own: readonly OwnStep[];

  constructor({ contexts, reader }: { contexts: NodeContexts; reader: { step: OwnStep } }) {
    this.#contexts = contexts;
    this.#own = [reader.step];
  }

  /** Whether the step only writes rows and is committed with the following ones: see `row-steps.ts`. */
  writesRowsOnly(run: Run, step: Step): boolean {
    return writesRowsOnly(run, step, this.#declared.bind(this), (row) => this.#contexts.interfacesOf(row));
  }

  /** Whether the step is entered at its deadline: see `StepDeclaration.lastLook`. */
  isEnteredAtDeadline(kind: OperationKind, step: Step, node: Node): boolean {
    // A step of the agent may be waiting for a reboot of its ramdisk.
    if (step.agent) return true;
    try {
      return this.#declared(this.#contexts.interfacesOf(node), kind, step)?.lastLook ?? false;
    } catch {
      return false; // the clean-up after the failure reports what is wrong with the interfaces
    }
  }

  /**
   * @returns the outcome as an event
   * @throws ReservationLostError, the signal's reason, or the database's absence: the outcome is then unknown, and the
   * journal is unchanged
   */
  async perform(run: Run, turn: StepTurn): Promise<StepEvent> {
    const step = stepOf(turn);
    try {
      const { kind } = run.operation;
      const allowance = findOwnStep(kind, step)?.allowance?.(step.args) ?? 0;
      const outcome = await this.#contexts.forStep(run, turn, allowance, (context) =>
        this.#run(context, kind, step, run.reservation),
      );
      return { on: 'outcome', outcome, late: turn.effect.wake === 'deadline' };
    } catch (error) {
      if (error instanceof ReservationLostError || run.signal.aborted || isDatabaseAway(error)) throw error;
      const message = `${step.interface}.${step.name}: ${messageOf(error)}`;
      return { on: 'failure', message, reason: codeOf(error) };
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
