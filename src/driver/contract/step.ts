import type { Json, JsonObject } from '../../domain/json.js';
import type { StepOutcome, StepOwner, Wake } from '../../domain/step/step.js';
import type { AgentRaidWork } from './agent-raid.js';
import type { BootInterface } from './boot.js';
import type { DriverContext, DriverNode } from './context.js';
import type { Implementation } from './implementation.js';
import type { ManagementInterface } from './management.js';
import type { PowerInterface } from './power.js';

/** Workflows that run steps. */
export type StepKind =
  | 'verify'
  | 'deploy'
  | 'clean'
  | 'teardown'
  | 'service'
  | 'inspect'
  | 'adopt'
  | 'rescue'
  | 'unrescue';

/** A context for work that spans interfaces: the node's own power, management and boot. */
export interface WorkContext extends DriverContext {
  readonly interfaces: {
    readonly power: PowerInterface;
    readonly management: ManagementInterface;
    readonly boot: BootInterface;
    readonly raid: Implementation & { readonly ofAgent?: AgentRaidWork };
  };
}

export interface StepContext extends WorkContext {
  readonly operation: { readonly uuid: string; readonly kind: string };
  readonly step: { readonly name: string; readonly interface: string; readonly args: JsonObject };
  readonly wake: Wake;
  /** From the last `wait` outcome, or from `checkpoint()`. */
  readonly saved: Json;
  /** Counts entries; 1 = first. */
  readonly attempt: number;
  /** Commits `value` now, before the next action: it is `saved` when the step is entered again after a crash. */
  checkpoint(value: Json): Promise<void>;
  /** Adds a line to the node's history. */
  tell(text: string): Promise<void>;
}

/**
 * A step as an implementation declares it. `run` is entered once per wake and returns quickly whenever there is
 * something to wait for. A throw fails the step; the message becomes the node's `last_error`.
 */
export interface StepDeclaration {
  readonly interface: StepOwner;
  readonly name: string;
  readonly kind: StepKind;
  /** 0: runs only when a user requests it by name. */
  readonly priority: number;
  readonly abortable: boolean;
  readonly rerunnable: boolean;
  readonly visible: boolean;
  /** A user may request it without the ramdisk only when this is false. */
  readonly requiresRamdisk?: boolean;
  /** The deploy interface delegates it to the agent; `run` is not entered. */
  readonly byAgent?: boolean;
  /**
   * Passes the user's text on to the BMC, which gives full control of it; vendor passthru reserves that to system
   * administrators. Refused unless `driver.allowed_raw_steps` names the step.
   */
  readonly raw?: true;
  /** Argument name to description; an argument that is not listed is refused. */
  readonly args?: Readonly<Record<string, { description: string; required?: boolean }>>;
  /**
   * Whether the step only reads now, and `save`s what the node's row holds. Such a step is not journaled before it
   * runs: what it saves is committed atomically with its outcome, and consecutive such steps together.
   * Absent: the step acts on the outside.
   */
  readonly inside?: (context: InsideContext) => boolean;
  /** Entered once more at its deadline (wake `deadline`), before it fails. */
  readonly lastLook?: true;
  run(context: StepContext): Promise<StepOutcome>;
}

/** What is known of a node before one of its steps runs. */
export interface InsideContext {
  readonly node: DriverNode;
  readonly interfaces: { readonly [kind in keyof WorkContext['interfaces']]: { readonly name: string } };
}
