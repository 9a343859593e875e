import type { RedfishSettings } from '../../config/section/redfish.js';
import { FerricError, UnsupportedError } from '../../domain/errors.js';
import { pause } from '../../platform/pause.js';
import { actionOf } from '../../protocol/redfish/action.js';
import { hasMessage } from '../../protocol/redfish/error-body.js';
import { type ResetAct, resetType, settledPowerState } from '../../protocol/redfish/power-plan.js';
import type { Resource } from '../../protocol/redfish/resource.js';
import { RedfishError } from './faults.js';
import type { RedfishMachine } from './machine.js';

/** ms between polls of the state while it changes. */
const LOOKS = [250, 500, 1_000, 2_000, 3_000] as const;

/** ms between a restart and the first poll of its end: a BMC shows On until it begins (Ironic: 15 s). */
const RESTART_BEGINS = 15_000;

interface Time {
  /** By performance.now(). */
  end: number;
  /** ms in all. */
  readonly timeout: number;
}

/** Resets of machines, each sent once. */
export class RedfishResets {
  constructor(private readonly settings: RedfishSettings) {}

  /** @param timeout ms for all acts */
  async perform(machine: RedfishMachine, acts: readonly ResetAct[], timeout: number): Promise<void> {
    await this.each(machine, acts, { end: performance.now() + timeout, timeout });
  }

  /** A reset that leaves no state to poll, such as Nmi. */
  async once(machine: RedfishMachine, type: string): Promise<void> {
    const { resource } = await machine.system();
    const allowed = await this.allowed(machine, resource);
    if (allowed && !allowed.includes(type)) throw refused([type], allowed);
    try {
      await machine.post(resetTarget(resource), { ResetType: type }, 'unsent');
    } catch (error) {
      if (!(error instanceof RedfishError) || !error.unanswered) throw error;
      const text = `${error.fault.text}; it may have been carried out, and is not sent twice`;
      throw new RedfishError({ ...error.fault, text }, error.request, { cause: error });
    }
  }

  private async each(machine: RedfishMachine, acts: readonly ResetAct[], time: Time): Promise<void> {
    for (const act of acts) {
      const { resource } = await machine.system();
      if (act.unless !== undefined && settledPowerState(resource) === act.unless) continue;
      if (act.pause !== undefined) await pause(act.pause, machine.caller.signal);
      const type = await this.typeFor(machine, act, resource);
      if (type === undefined && act.otherwise) {
        await this.each(machine, act.otherwise, time);
        continue;
      }
      if (type === undefined) throw refused(act.types, await this.allowed(machine, resource));
      await this.reset(machine, act, type, time);
    }
  }

  private async typeFor(
    machine: RedfishMachine,
    act: ResetAct,
    system: Resource,
  ): Promise<string | undefined> {
    return resetType(act, await this.allowed(machine, system));
  }

  private async allowed(machine: RedfishMachine, system: Resource): Promise<readonly string[] | undefined> {
    const action = actionOf(system, 'ComputerSystem.Reset');
    return action && machine.allowable(action, 'ResetType');
  }

  /**
   * One reset, sent once: a second one loses the boot device of the next start. After a missing answer or a refusal,
   * the machine's state shows the outcome.
   */
  private async reset(machine: RedfishMachine, act: ResetAct, type: string, time: Time): Promise<void> {
    const restarts = act.unless === undefined;
    let conflicts = 0;
    for (;;) {
      const { resource } = await machine.system();
      try {
        await machine.post(resetTarget(resource), { ResetType: type }, 'unsent');
        break;
      } catch (error) {
        if (!(error instanceof RedfishError)) throw error;
        if (await this.isDone(machine, act, error)) return;
        if (error.unanswered) {
          if (!restarts) break; // it is watched: it may come yet
          const text = `${error.fault.text}; the machine may have been restarted, and is not restarted twice`;
          throw new RedfishError({ ...error.fault, text }, error.request, { cause: error });
        }
        const delay = this.conflictPause(error, act, conflicts++);
        if (delay === undefined) throw error;
        time.end += delay; // the BMC asks for it: it is none of the machine's time
        await pause(delay, machine.caller.signal);
      }
    }
    if (restarts) await pause(Math.min(RESTART_BEGINS, time.timeout / 4), machine.caller.signal);
    await this.watch(machine, act, time);
  }

  /** A refusal counts as success if the machine is in the wanted state already (Ironic: redfish/power.py). */
  private async isDone(machine: RedfishMachine, act: ResetAct, error: RedfishError): Promise<boolean> {
    if (act.unless === undefined) return false;
    try {
      const { resource } = await machine.system();
      return settledPowerState(resource) === act.until;
    } catch (unread) {
      if (!(unread instanceof RedfishError)) throw unread;
      const word = act.until === 'power on' ? 'on' : 'off';
      return error.messages.some(({ text }) =>
        new RegExp(`(already|host is) powered ${word}`, 'i').test(text),
      );
    }
  }

  /** iDRAC10 refuses On for up to a minute after ForceOff; iLO refuses many requests right after a power change. */
  private conflictPause(error: RedfishError, act: ResetAct, conflicts: number): number | undefined {
    const { power_on_conflict_retry_attempts: most, power_on_conflict_retry_interval: interval } =
      this.settings;
    const conflict =
      (error.status === 409 && act.until === 'power on') ||
      hasMessage(error.messages, 'InvalidOperationForSystemState', 'SYS518', 'ServiceTemporarilyUnavailable');
    return conflict && conflicts < most ? interval * 1000 : undefined;
  }

  private async watch(machine: RedfishMachine, act: ResetAct, time: Time): Promise<void> {
    let said: string | undefined;
    for (let look = 0; ; look++) {
      const { resource } = await machine.system();
      if (settledPowerState(resource) === act.until) return;
      said = String(resource['PowerState'] ?? 'nothing');
      const delay = LOOKS[Math.min(look, LOOKS.length - 1)] ?? 3_000;
      if (performance.now() + delay >= time.end) break;
      await pause(delay, machine.caller.signal);
    }
    throw new FerricError(
      'bmc-failed',
      `The machine did not reach ${act.until} within ${Math.round(time.timeout / 1000)} s; its BMC says ${said}.`,
    );
  }
}

function refused(types: readonly string[], allowed: readonly string[] | undefined): UnsupportedError {
  return new UnsupportedError(
    `The BMC does not allow ${types.join(' or ')}; it allows ${allowed?.join(', ') ?? 'nothing'}.`,
  );
}

function resetTarget(system: Resource): string {
  const action = actionOf(system, 'ComputerSystem.Reset');
  if (!action) throw new UnsupportedError('The BMC offers no ComputerSystem.Reset.');
  return action.target;
}
