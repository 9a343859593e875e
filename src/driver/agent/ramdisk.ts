import { FerricError } from '../../domain/errors.js';
import { isObject, type Json, type JsonObject } from '../../domain/json.js';
import type { StepOutcome } from '../../domain/step/step.js';
import { isPersistent } from '../boot-persistence.js';
import type { BootTarget } from '../contract/boot.js';
import type { DriverNode } from '../contract/context.js';
import type { InternalInfo } from '../contract/internal-info.js';
import type { StepContext } from '../contract/step.js';
import { bootFrom, markOfStep, powerOff, startMachine } from '../machine-start.js';
import { forgetAgent, keepRamdiskBoot, mediumToken, ramdiskBoot, stepLists } from './agent-node.js';
import type { AgentClient } from './client.js';

/** Committed right before the machine starts: an agent that registers afterwards is the new one. */
interface Booting extends JsonObject {
  phase: 'booting';
  /** How often the machine was started for this step. */
  boots: number;
  /** ms since the epoch: start of the machine. An older conductor may have saved none. */
  since: number;
}

/** Starts the deploy ramdisk on a machine and waits for its agent. */
export class Ramdisk {
  /** @param retries how often a machine is restarted whose ramdisk does not call back in time */
  constructor(
    private readonly client: AgentClient,
    private readonly retries = 1,
  ) {}

  /**
   * Powers the machine off, lets `prepare` lay out what it boots, and starts it.
   * A step that is entered again before the checkpoint starts over; after it, `arrival` continues.
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

  /** Restarts the machine from the boot files that its ramdisk had. @param internal kept beyond the agent that ran */
  relaunch(context: StepContext, internal: Partial<InternalInfo>): Promise<StepOutcome> {
    const target = targetOf(context);
    const token = mediumToken(context.node);
    return this.launch(context, async () => target, { ...internal, ...token });
  }

  /** Whether `launch` has reached the start of the machine. */
  isBooting(saved: Json): boolean {
    return isObject(saved) && saved['phase'] === 'booting';
  }

  /**
   * Restarts the machine at the step's deadline, while retries are left: a firmware that falls back to another device,
   * such as the disk, after one network failure never calls back by itself (Ironic: pxe.boot_retry_timeout).
   * @param isThere the awaited condition; by default an agent that has sent a heartbeat
   * @returns undefined when it holds
   */
  async arrival(
    context: StepContext,
    isThere: (context: StepContext) => boolean = (seen) => this.client.isKnown(seen),
  ): Promise<StepOutcome | undefined> {
    if (isThere(context)) return undefined;
    const look = lookAfter(context);
    const { saved } = context;
    if (context.wake === 'restart') {
      // The conductor died between the checkpoint and the BMC's answer: was the machine started?
      const state = await context.interfaces.power.getPowerState(context);
      if (state === 'power off' || context.node.disable_power_off)
        await this.start(context, saved as JsonObject);
      return { is: 'wait', for: 'heartbeat', timeout: 'anew', ...look };
    }
    const boots = bootsOf(context.saved);
    // A poll may come early: after a restart of the conductor, or at the end of maintenance.
    if (context.wake === 'deadline' || (context.wake === 'poll' && !look)) await refuseUnfetched(context);
    if (context.wake !== 'deadline' || boots > this.retries) return { is: 'wait', for: 'heartbeat', ...look };
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
    const booting: Booting = { phase: 'booting', boots, since: Date.now() };
    await context.checkpoint(booting);
    await this.start(context, booting);
    const { fetching } = context.interfaces.boot;
    const look = fetching ? { pollAfter: fetching.timeout } : {};
    return { is: 'wait', for: 'heartbeat', timeout: 'anew', checkpoint: booting, ...look };
  }

  private async start(context: StepContext, booting: JsonObject): Promise<void> {
    await bootFrom(context, targetOf(context));
    await startMachine(context, markOfStep(context, booting));
  }
}

/** A BMC may say that it inserted a disc which it never read: then no restart helps. */
async function refuseUnfetched(context: StepContext): Promise<void> {
  const fault = await context.interfaces.boot.fetching?.fault(context);
  if (fault !== undefined) throw new FerricError('bmc-failed', fault);
}

/** When the step looks whether its ramdisk is fetched; undefined: the time of that look has come, or there is none. */
function lookAfter({ interfaces, saved }: StepContext): { pollAfter: number } | undefined {
  const { fetching } = interfaces.boot;
  if (!fetching) return undefined;
  const { since = Date.now() } = saved as Partial<Booting>;
  const left = since + fetching.timeout - Date.now();
  return left > 0 ? { pollAfter: left } : undefined;
}

/** An older conductor may have saved no number. */
function bootsOf(saved: Json): number {
  const { boots } = saved as Partial<Booting>;
  return typeof boots === 'number' ? boots : 1;
}

/** An older conductor, which booted from the network only, saved no target. */
function targetOf({ node }: StepContext): BootTarget | null {
  const kept = ramdiskBoot(node);
  return kept === undefined ? fromNetwork(node) : kept;
}

/** The boot target of a ramdisk that is booted from the network, whatever server offers it. */
export function fromNetwork(node: DriverNode): BootTarget {
  return { device: 'pxe', persistent: isPersistent(node, 'ramdisk') };
}
