import type { Actor, Via } from '../../domain/actor.js';
import type { Effect, Journal, StepEvent } from '../../domain/step/advance.js';
import type { Step } from '../../domain/step/step.js';
import type { JournaledOperation } from '../../persistence/operation/operation.repository.js';
import type { NodeDraft } from './node-draft.js';
import type { Reservation } from './reservation.js';

/** A node under its reservation, and what is to be written of it with the next commit. */
export interface HeldNode {
  readonly reservation: Reservation;
  readonly draft: NodeDraft;
}

/** An operation in the runner's hands, from the event that woke it to the next wait or its end. */
export interface Run extends HeldNode {
  readonly operation: JournaledOperation;
  /** Fires when the reservation is lost or the conductor stops. */
  readonly signal: AbortSignal;
  /** Who asked for the work, by the door through which it was woken. */
  readonly actor: Actor;
  /** The journal in memory is ahead of the database's: its steps only write rows (see `row-steps.ts`). */
  ahead: boolean;
}

/** One entry of one step. */
export interface StepTurn {
  /** In which the step runs. */
  readonly journal: Journal;
  readonly effect: Effect & { readonly do: 'run' };
}

export function stepOf({ journal, effect }: StepTurn): Step {
  return journal.steps[effect.position]!;
}

/** Through which door an event reached work that `actor` asked for. */
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
