import { FerricError } from '../../domain/errors.js';
import type { Json, JsonObject } from '../../domain/json.js';
import type { BootDevice } from '../../domain/node/boot-device.js';
import type { StepOutcome } from '../../domain/step/step.js';
import type { DriverContext } from '../contract/context.js';
import type { StepContext, WorkContext } from '../contract/step.js';
import { forgetAgent, stepLists } from './agent-node.js';
import type { AgentClient } from './client.js';

/** ms for one change of power, the waiting for the BMC's word included. */
export const POWER_TIMEOUT = 60_000;

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
   * Stops the machine, lets `prepare` lay out what it boots, and starts it.
   * A step that is entered again before the checkpoint begins anew; behind it, `arrival` goes on.
   */
  async launch(
    context: StepContext,
    prepare: () => Promise<void>,
    internal: JsonObject = {},
  ): Promise<StepOutcome> {
    await powerOff(context);
    await prepare();
    await forgetAgent(context, internal);
    return this.boot(context, 1);
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
    await forgetAgent(context, stepLists(context.node.driver_internal_info));
    return this.boot(context, boots + 1);
  }

  private async boot(context: StepContext, boots: number): Promise<StepOutcome> {
    const booting: Booting = { phase: 'booting', boots };
    await context.checkpoint(booting);
    await this.start(context);
    return { is: 'wait', for: 'heartbeat', timeout: 'anew', checkpoint: booting };
  }

  private async start(context: StepContext): Promise<void> {
    await setBootDevice(context, 'pxe');
    // A machine that must not lose power was not stopped: it is reset into the ramdisk.
    const target = context.node.disable_power_off ? 'rebooting' : 'power on';
    await context.interfaces.power.setPowerState(context, target, POWER_TIMEOUT);
  }
}

/** A conductor of before may have left no number. */
function bootsOf(saved: Json): number {
  const { boots } = saved as Partial<Booting>;
  return typeof boots === 'number' ? boots : 1;
}

/** Unless it is off, or must not lose power. */
export async function powerOff(context: WorkContext): Promise<void> {
  const { power } = context.interfaces;
  if (context.node.disable_power_off) return;
  if ((await power.getPowerState(context)) === 'power off') return;
  await power.setPowerState(context, 'power off', POWER_TIMEOUT);
}

/**
 * Sets the boot device as `force_persistent_boot_device` has it: Default keeps only the instance's, Always both, Never
 * none. A BMC that cannot is left to its firmware's own order.
 */
export async function setBootDevice(
  context: WorkContext,
  device: Extract<BootDevice, 'pxe' | 'disk'>,
  final = false,
): Promise<void> {
  const force = persistence(context);
  const persistent = force === 'always' || (force === 'default' && final);
  try {
    await context.interfaces.management.setBootDevice(context, device, persistent);
  } catch (error) {
    if (!(error instanceof FerricError) || error.code !== 'unsupported') throw error;
    context.log.warn({ device, error: error.message }, 'the boot device is left to the firmware');
  }
}

/** True and False are old names of Always and Default (deploy_utils.py). */
function persistence(context: DriverContext): 'always' | 'default' | 'never' {
  const value = String(context.node.driver_info['force_persistent_boot_device'] ?? 'default').toLowerCase();
  if (value === 'always' || value === 'true') return 'always';
  return value === 'never' ? 'never' : 'default';
}
