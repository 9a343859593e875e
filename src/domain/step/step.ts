/** Steps and the outcomes of running one. Data only: the runner and the database share it. */
import type { Json, JsonObject } from '../json.js';

/** Interface kinds that own steps, in the order that decides between equal priorities (Ironic: conductor/steps.py). */
export const STEP_INTERFACES = [
  'vendor',
  'power',
  'management',
  'firmware',
  'deploy',
  'bios',
  'raid',
] as const;
export type StepInterface = (typeof STEP_INTERFACES)[number];
/** Also the owners whose steps no user names: the conductor plans them as parts of its own workflows. */
export type StepOwner = StepInterface | 'inspect' | 'rescue' | 'console';

export type StepState = 'pending' | 'running' | 'waiting' | 'done' | 'failed';

export interface Step {
  interface: StepOwner;
  name: string;
  /** Higher runs first among steps of one phase. */
  priority: number;
  args: JsonObject;
  /** An operator's `abort` may end it while it waits; otherwise the abort takes effect when the step ends. */
  abortable: boolean;
  /** Safe to run again from its checkpoint after the conductor died during the step. */
  rerunnable: boolean;
  /** Shown as `deploy_step` / `clean_step`; the conductor's own preparations are not. */
  visible: boolean;
  /** Runs inside the ramdisk: the deploy interface passes it to the agent. */
  agent: boolean;
  state: StepState;
  /** Saved by `run` for its next call: a command id, a phase. */
  checkpoint: Json;
  /** How many times `run` was entered (0 = never). */
  attempt: number;
}

/** A step before its first run. */
export type PlannedStep = Omit<Step, 'state' | 'checkpoint' | 'attempt'>;

export type StepOutcome =
  /**
   * Finished. `insert` adds steps directly after it, e.g. those that the agent reports; `merge` adds steps among the
   * pending ones, by priority.
   */
  | { is: 'done'; insert?: PlannedStep[]; merge?: PlannedStep[] }
  /**
   * Run again at the agent's heartbeat or after `pollAfter` ms, whichever comes first.
   * The step fails when its deadline passes. A wait of a step without a deadline sets one (`timeout` ms from then,
   * default: the workflow's); a later wait keeps it, or, when it names a `timeout`, sets a new one from now: progress
   * was made. `anew`: the workflow's default, from now.
   */
  | {
      is: 'wait';
      for: 'heartbeat' | 'poll';
      pollAfter?: number;
      timeout?: number | 'anew';
      checkpoint?: Json;
    }
  /** Wait for the operator's `unhold`: it saves a checkpoint that says so and wakes the step with `poll`. */
  | { is: 'hold' };

/**
 * Why `run` is entered. `restart`: a conductor died while the step was under way; check before acting again.
 * `deadline`: its deadline has passed, and it fails unless it is done now or sets a new deadline; only steps
 * that declare this, and the agent's, are entered then.
 */
export type Wake = 'start' | 'heartbeat' | 'poll' | 'restart' | 'deadline';

export function newStep(planned: PlannedStep): Step {
  return { ...planned, state: 'pending', checkpoint: null, attempt: 0 };
}

/** Ironic's order: descending priority, then interface. Steps with priority 0 are off. */
export function orderSteps<Planned extends PlannedStep>(steps: readonly Planned[]): Planned[] {
  return steps
    .filter((step) => step.priority > 0)
    .toSorted(
      (a, b) =>
        b.priority - a.priority || rank(a.interface) - rank(b.interface) || a.name.localeCompare(b.name),
    );
}

function rank(owner: StepOwner): number {
  return (STEP_INTERFACES as readonly string[]).indexOf(owner);
}
