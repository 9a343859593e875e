import { isObject, type Json, type JsonObject } from '../../domain/json.js';
import type { StepOutcome } from '../../domain/step/step.js';
import { pause } from '../../platform/pause.js';
import { textOf } from '../../protocol/redfish/resource.js';
import { stepLists } from '../agent/agent-node.js';
import type { Ramdisk } from '../agent/ramdisk.js';
import { internalOf } from '../contract/internal-info.js';
import type { StepContext } from '../contract/step.js';
import { POWER_TIMEOUT, powerOff } from '../machine-start.js';
import type { RedfishMachines } from './machine.js';

/**
 * A reboot within a step, as its checkpoint holds it. Each stage is committed before its request is sent. `off` and `on`
 * can be entered again, since the machine's power state shows whether they took place; so a conductor that dies at any
 * point neither omits the reboot nor repeats it.
 */
export interface RebootRecord extends JsonObject {
  stage: 'off' | 'on' | 'restart' | 'ramdisk' | 'done';
  /** The machine was off before, and is switched off again at the end. */
  wasOff: boolean;
  /** ComputerSystem.LastResetTime before a restart without loss of power; null where the BMC does not show it. */
  lastReset: string | null;
  /** A restart of which nobody can tell whether it took place. */
  unsure: boolean;
  /** Checkpoint of the ramdisk that is started again. */
  ramdisk: Json;
}

/** Saves a stage as part of the step's checkpoint. */
type Keep = (record: RebootRecord) => JsonObject;

/** Reboots that apply a setting or a firmware image, each carried out once. */
export class StepReboot {
  constructor(
    private readonly parts: {
      machines: RedfishMachines;
      ramdisk: Pick<Ramdisk, 'relaunch' | 'isBooting' | 'arrival'>;
    },
  ) {}

  /** Decides how the machine is rebooted; nothing is sent. A running ramdisk is started again, and waited for. */
  async plan(context: StepContext): Promise<RebootRecord> {
    const { resource } = await this.parts.machines.of(context).system();
    const wasOff = (await context.interfaces.power.getPowerState(context)) === 'power off';
    const lastReset = textOf(resource, 'LastResetTime') ?? null;
    const common = { wasOff, lastReset, unsure: false, ramdisk: null };
    const { agent_url: agent } = internalOf(context.node);
    if (agent !== undefined) return { ...common, stage: 'ramdisk', wasOff: false };
    if (wasOff) return { ...common, stage: 'on' };
    return { ...common, stage: context.node.disable_power_off ? 'restart' : 'off' };
  }

  /**
   * Carries the reboot on.
   * @param begun whether this stage may have been sent before (the step was entered again)
   * @returns the outcome that the step returns, or the record of a reboot that is done
   */
  async advance(
    context: StepContext,
    record: RebootRecord,
    begun: boolean,
    keep: Keep,
  ): Promise<{ outcome: StepOutcome } | { record: RebootRecord }> {
    const { power } = context.interfaces;
    const isOff = async () => (await power.getPowerState(context)) === 'power off';
    switch (record.stage) {
      case 'ramdisk':
        return this.relaunch(context, record, keep);
      case 'off': {
        if (!(await isOff())) await power.setPowerState(context, 'power off', POWER_TIMEOUT);
        const next: RebootRecord = { ...record, stage: 'on' };
        await context.checkpoint(keep(next));
        await this.rest(context);
        return this.advance(context, next, begun, keep);
      }
      case 'on':
        if (await isOff()) await power.setPowerState(context, 'power on', POWER_TIMEOUT);
        break;
      case 'restart':
        if (!begun || (await this.isUnsent(context, record))) {
          await power.setPowerState(context, 'rebooting', POWER_TIMEOUT);
        }
        break;
      case 'done':
    }
    const unsure = record.stage === 'restart' && begun && record.lastReset === null;
    const done: RebootRecord = { ...record, stage: 'done', unsure };
    await context.checkpoint(keep(done));
    return { record: done };
  }

  /** Switches a machine off that was off before the step. Idempotent. */
  async restore(context: StepContext, { wasOff }: Pick<RebootRecord, 'wasOff'>): Promise<void> {
    if (wasOff) await powerOff(context);
  }

  private async relaunch(
    context: StepContext,
    record: RebootRecord,
    keep: Keep,
  ): Promise<{ outcome: StepOutcome } | { record: RebootRecord }> {
    const { ramdisk } = this.parts;
    const within = (value: Json) => keep({ ...record, ramdisk: value });
    // Inherits the live getters of the step's context.
    const inner = Object.create(context, {
      saved: { value: record.ramdisk },
      checkpoint: { value: (value: Json) => context.checkpoint(within(value)) },
    }) as StepContext;
    const outcome = ramdisk.isBooting(record.ramdisk)
      ? await ramdisk.arrival(inner)
      : await ramdisk.relaunch(inner, stepLists(context.node));
    if (!outcome) {
      const done: RebootRecord = { ...record, stage: 'done' };
      await context.checkpoint(keep(done));
      return { record: done };
    }
    if (outcome.is !== 'wait' || outcome.checkpoint === undefined) return { outcome };
    return { outcome: { ...outcome, checkpoint: within(outcome.checkpoint) } };
  }

  /** Without LastResetTime nobody can tell; the settings show it when they are compared. */
  private async isUnsent(context: StepContext, { lastReset }: RebootRecord): Promise<boolean> {
    if (lastReset === null) return false;
    const { resource } = await this.parts.machines.of(context).system();
    return textOf(resource, 'LastResetTime') === lastReset;
  }

  /** Some machines hang if On follows ForceOff at once. */
  private async rest(context: StepContext): Promise<void> {
    const machine = this.parts.machines.of(context);
    const { resource } = await machine.system();
    const { differences } = await machine.differences(resource);
    if (differences.restartByOffOn !== undefined) await pause(differences.restartByOffOn, context.signal);
  }
}

/** @returns undefined for anything but a record */
export function rebootRecordOf(value: Json | undefined): RebootRecord | undefined {
  return isObject(value) && typeof value['stage'] === 'string' ? (value as RebootRecord) : undefined;
}
