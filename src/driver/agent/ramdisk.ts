import type { Json, JsonObject } from '../../domain/json.js';
import type { StepOutcome } from '../../domain/step/step.js';
import { isPersistent } from '../boot-persistence.js';
import type { BootTarget } from '../contract/boot.js';
import type { DriverNode } from '../contract/context.js';
import type { InternalInfo } from '../contract/internal-info.js';
import type { StepContext } from '../contract/step.js';
import { bootFrom, powerOff, startMachine } from '../machine-start.js';
import { forgetAgent, keepRamdiskBoot, mediumToken, ramdiskBoot, stepLists } from './agent-node.js';
import type { AgentClient } from './client.js';

/** Committed right before the machine is started: an agent that is known from then on is the new one. */
interface Booting extends JsonObject {
  phase: 'booting';
  /** How often it was started for this. */
  boots: number;
}

/** Starts the deploy ramdisk on a machine and waits for its agent. */
export class Ramdisk {
  /** @param retries how often a machine is started again whose ramdisk does not call back in time */
  constructor(
    private readonly client: AgentClient,
    private readonly retries = 1,
  ) {}

  /**
   * Stops the machine, lets `prepare` lay out what it boots, and starts it from that.
   * A step that is entered again before the checkpoint begins anew; behind it, `arrival` goes on.
   */
  async launch(
    context: StepContext,
    prepare: () => Promise<BootTarget | null>,
    internal: Partial<InternalInfo> = {},
  ): Promise<StepOutcome> {
    await powerOff(context);
    const target = await prepare();
    await forgetAgent(context, { ...internal, ...keepRamdiskBoot(target) });
    return this.boot(context, 1);
  }

  /** Starts the machine anew from what was laid out for its ramdisk. @param internal outlives the agent that ran */
  relaunch(context: StepContext, internal: Partial<InternalInfo>): Promise<StepOutcome> {
    const target = targetOf(context);
    const token = mediumToken(context.node);
    return this.launch(context, async () => target, { ...internal, ...token });
  }

  /** Whether `launch` got as far as to start the machine. */
  isBooting(saved: Json): boolean {
    return (
      typeof saved === 'object' && saved !== null && !Array.isArray(saved) && saved['phase'] === 'booting'
    );
  }

  /**
   * At the step's deadline the machine is started again, where that is left to try: what a firmware falls to when its
   * network fails once, the disk for one, never calls back by itself (Ironic: pxe.boot_retry_timeout).
   * @param isThere what is waited for; by default the agent
   * @returns undefined when it is there
   */
  async arrival(
    context: StepContext,
    isThere: (context: StepContext) => boolean = (seen) => this.client.isKnown(seen),
  ): Promise<StepOutcome | undefined> {
    if (isThere(context)) return undefined;
    if (context.wake === 'restart') {
      // A conductor died between the checkpoint and the BMC's answer: was the machine started?
      const state = await context.interfaces.power.getPowerState(context);
      if (state === 'power off' || context.node.disable_power_off) await this.start(context);
      return { is: 'wait', for: 'heartbeat', timeout: 'anew' };
    }
    const boots = bootsOf(context.saved);
    if (context.wake !== 'deadline' || boots > this.retries) return { is: 'wait', for: 'heartbeat' };
    await context.tell(
      `The ramdisk did not call back in time: the machine is started again (${boots} of ${this.retries}).`,
    );
    await powerOff(context);
    const { node } = context;
    const kept = { ...stepLists(node), ...mediumToken(node), ...keepRamdiskBoot(targetOf(context)) };
    await forgetAgent(context, kept);
    return this.boot(context, boots + 1);
  }

  private async boot(context: StepContext, boots: number): Promise<StepOutcome> {
    const booting: Booting = { phase: 'booting', boots };
    await context.checkpoint(booting);
    await this.start(context);
    return { is: 'wait', for: 'heartbeat', timeout: 'anew', checkpoint: booting };
  }

  private async start(context: StepContext): Promise<void> {
    await bootFrom(context, targetOf(context));
    await startMachine(context);
  }
}

/** A conductor of before may have left no number. */
function bootsOf(saved: Json): number {
  const { boots } = saved as Partial<Booting>;
  return typeof boots === 'number' ? boots : 1;
}

/** A conductor of before, which knew the network alone, left nothing. */
function targetOf({ node }: StepContext): BootTarget | null {
  const kept = ramdiskBoot(node);
  return kept === undefined ? fromNetwork(node) : kept;
}

/** What a machine starts from that boots from the network for once, whoever serves it there. */
export function fromNetwork(node: DriverNode): BootTarget {
  return { device: 'pxe', persistent: isPersistent(node, 'ramdisk') };
}
