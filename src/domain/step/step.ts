/** What a step is, and what running it once can come to. Data only: the runner and the database share it. */
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
/** No user names a step of the others: the conductor plans them as parts of its own workflows. */
export type StepOwner = StepInterface | 'inspect' | 'rescue' | 'console';

export type StepState = 'pending' | 'running' | 'waiting' | 'done' | 'failed';

export interface Step {
  interface: StepOwner;
  name: string;
  /** Higher runs first among steps of one phase. */
  priority: number;
  args: JsonObject;
  /** An operator's `abort` may end it while it waits; otherwise the abort takes effect when it ends. */
  abortable: boolean;
  /** Safe to run again from its checkpoint after the conductor died in the middle of it. */
  rerunnable: boolean;
  /** Shown as `deploy_step` / `clean_step`; the conductor's own preparations are not. */
  visible: boolean;
  /** Runs inside the ramdisk: the deploy interface passes it to the agent. */
  agent: boolean;
  state: StepState;
  /** What `run` left for its next call: a command id, a phase. */
  checkpoint: Json;
  /** How many times `run` was entered from the start (0 = never). */
  attempt: number;
}

/** A step before it has a history. */
export type PlannedStep = Omit<Step, 'state' | 'checkpoint' | 'attempt'>;

export type StepOutcome =
  /**
   * Finished. `insert` adds steps right behind it, e.g. those that the agent reports; `merge` adds steps among those that
   * are still to come, by their priorities.
   */
  | { is: 'done'; insert?: PlannedStep[]; merge?: PlannedStep[] }
  /**
   * Call `run` again when the agent's heartbeat comes, when `pollAfter` ms have passed, whichever is first.
   * The step has failed when its deadline passes. A wait of a step that has none sets it (`timeout` ms from then, default:
   * the workflow's); a later wait keeps it, or sets a new one from now when it names a `timeout`: progress was made.
   * `anew`: the workflow's own time, from now.
   */
  | {
      is: 'wait';
      for: 'heartbeat' | 'poll';
      pollAfter?: number;
      timeout?: number | 'anew';
      checkpoint?: Json;
    }
  /** Wait for the operator's `unhold`, which leaves a checkpoint that says so and wakes the step as a poll does. */
  | { is: 'hold' };

/**
 * Why `run` is entered. `restart`: a conductor died while the step was under way; look before acting again. `deadline`:
 * its time is over, and it fails unless it is done now or names a new time; only steps that declare it are asked.
 */
export type Wake = 'start' | 'heartbeat' | 'poll' | 'restart' | 'deadline';

export function newStep(planned: PlannedStep): Step {
  return { ...planned, state: 'pending', checkpoint: null, attempt: 0 };
}

/** Ironic's order: priority downwards, then interface. Steps with priority 0 are off. */
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
