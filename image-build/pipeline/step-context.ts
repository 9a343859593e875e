import type { Customiser } from '../customise/customiser.js';
import type { BuildSession, Stage } from '../session/build-session.js';
import type { StepSpec } from './graph.js';
import type { Recipe } from './recipe.js';
import type { Workshop } from './workshop.js';

export interface StepContext {
  recipe: Recipe;
  step: StepSpec;
  workshop: Workshop;
  session: BuildSession;
  stage: Stage;
  customiser: Customiser;
}

/** File name → its path in the session's scratch directory. */
export type Made = Record<string, string>;
