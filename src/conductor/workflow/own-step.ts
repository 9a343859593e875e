import type { EntityManager } from 'typeorm';
import type { Actor } from '../../domain/actor.js';
import type { JsonObject } from '../../domain/json.js';
import type { StepOutcome } from '../../domain/step/step.js';
import type { Interfaces } from '../../driver/contract/interfaces.js';
import type { StepContext, StepDeclaration } from '../../driver/contract/step.js';
import type { Fence } from '../../persistence/node/fence.js';

export type OwnContext = StepContext & {
  readonly all: Interfaces;
  /** Who asked for the work, for the records of changes beside the node. */
  readonly actor: Actor;
  /** Runs `work` in a transaction under the reservation. @throws ReservationLostError */
  commit<T>(work: (manager: EntityManager, fence: Fence) => Promise<T>): Promise<T>;
};

/** A step of the conductor itself, for every driver; it gets all interfaces of the node. */
export type OwnStep = Omit<StepDeclaration, 'kind' | 'run'> & {
  /** Kinds of operation that it belongs to. */
  readonly kinds: readonly string[];
  /** ms that one entry of it may take besides `conductor.driver_call_timeout`. */
  allowance?(args: JsonObject): number;
  run(context: OwnContext): Promise<StepOutcome>;
};
