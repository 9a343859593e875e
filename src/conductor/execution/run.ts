import type { Actor, Via } from '../../domain/actor.js';
import type { Effect, Journal, StepEvent } from '../../domain/step/advance.js';
import type { Step } from '../../domain/step/step.js';
import type { JournaledOperation } from '../../persistence/operation/operation.repository.js';
import type { NodeDraft } from './node-draft.js';
import type { Reservation } from './reservation.js';

/** A node under its reservation, with the changes that the next commit writes. */
export interface HeldNode {
  readonly reservation: Reservation;
  readonly draft: NodeDraft;
}

/** An operation that the runner drives, from the event that resumed it to the next wait or its end. */
export interface Run extends HeldNode {
  readonly operation: JournaledOperation;
  /** Fires when the reservation is lost or the conductor stops. */
  readonly signal: AbortSignal;
  /** Who asked for the work; `via` is what resumed it. */
  readonly actor: Actor;
  /** The journal in memory is ahead of the database's: its steps only write rows (see `row-steps.ts`). */
  ahead: boolean;
}

/** One entry of one step. */
export interface StepTurn {
  /** The journal in which the step runs. */
  readonly journal: Journal;
  readonly effect: Effect & { readonly do: 'run' };
}

export function stepOf({ journal, effect }: StepTurn): Step {
  return journal.steps[effect.position]!;
}

/** The actor of the work, with `via` set to the source of the event that resumed it. */
export function wokenBy(actor: Actor, event: StepEvent): Actor {
  const via = doorOf(event);
  return via === null ? actor : { ...actor, via };
}

function doorOf(event: StepEvent): Via | null {
  if (event.on === 'deadline') return 'periodic';
  if (event.on === 'restart') return 'conductor';
  if (event.on !== 'wake') return null;
  return event.why === 'heartbeat' ? 'agent' : 'periodic';
}
