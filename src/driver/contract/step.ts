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
  /** Counts entries from the start, 1 = first. */
  readonly attempt: number;
  /** Commits `value` now, before the next act: it is `saved` when the step is entered again after a crash. */
  checkpoint(value: Json): Promise<void>;
  /** A line in the node's history. */
  tell(text: string): Promise<void>;
}

/**
 * A step as an implementation declares it. `run` is entered once per wake and returns quickly whenever there is
 * something to wait for; throwing means that the step failed, the message becomes the node's `last_error`.
 */
export interface StepDeclaration {
  readonly interface: StepOwner;
  readonly name: string;
  readonly kind: StepKind;
  /** 0: only when a user asks for it by name. */
  readonly priority: number;
  readonly abortable: boolean;
  readonly rerunnable: boolean;
  readonly visible: boolean;
  /** A user may ask for it without the ramdisk only when this is false. */
  readonly requiresRamdisk?: boolean;
  /** The deploy interface hands it to the agent; `run` is not entered. */
  readonly byAgent?: boolean;
  /**
   * Hands on to the BMC what whoever asks for it wrote: that is the whole of the BMC, which vendor passthru gives to
   * system administrators alone. Nobody has it but where `driver.allowed_raw_steps` names it.
   */
  readonly raw?: true;
  /** Argument name to description; an argument that is not here is refused. */
  readonly args?: Readonly<Record<string, { description: string; required?: boolean }>>;
  /**
   * Whether all that it does now is to look, and to `save` what a row of the node holds. Then nothing is journaled before
   * it: what it saves is committed with what becomes of it, together or not at all, and such steps in a row together.
   * Without it a step acts on the outside.
   */
  readonly inside?: (context: InsideContext) => boolean;
  /** Entered once more when its deadline has come (wake `deadline`), before it fails. */
  readonly lastLook?: true;
  run(context: StepContext): Promise<StepOutcome>;
}

/** What is known of a node before a step of it runs. */
export interface InsideContext {
  readonly node: DriverNode;
  readonly interfaces: { readonly [kind in keyof WorkContext['interfaces']]: { readonly name: string } };
}
