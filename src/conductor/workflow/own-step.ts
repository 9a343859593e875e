import type { StepOutcome } from '../../domain/step/step.js';
import type { Interfaces } from '../../driver/contract/interfaces.js';
import type { StepContext, StepDeclaration } from '../../driver/contract/step.js';

export type OwnContext = StepContext & { readonly all: Interfaces };

/** A step of the conductor itself, for every driver; it knows all of the node's interfaces. */
export type OwnStep = Omit<StepDeclaration, 'kind' | 'run'> & {
  /** Kinds of operation that it is part of. */
  readonly kinds: readonly string[];
  run(context: OwnContext): Promise<StepOutcome>;
};
