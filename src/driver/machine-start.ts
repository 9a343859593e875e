import { FerricError } from '../domain/errors.js';
import { isObject, type JsonObject } from '../domain/json.js';
import type { BootMode } from '../domain/node/boot-device.js';
import type { BootTarget } from './contract/boot.js';
import { changedInternal, internalOf } from './contract/internal-info.js';
import type { StepContext, WorkContext } from './contract/step.js';

/** ms for one change of power, including the wait for the BMC's confirmation. */
export const POWER_TIMEOUT = 60_000;

/** Skipped if the machine is off, or must not lose power. */
export async function powerOff(context: WorkContext): Promise<void> {
  const { power } = context.interfaces;
  if (context.node.disable_power_off) return;
  if ((await power.getPowerState(context)) === 'power off') return;
  await power.setPowerState(context, 'power off', POWER_TIMEOUT);
}

/** Whether work has begun to reset its machine; it outlives the conductor. */
export interface ResetMark {
  readonly isBegun: boolean;
  begin(): Promise<void>;
  /** Tells the operator. */
  tell(text: string): Promise<void>;
}

/** The mark of a step, as its checkpoint. @param value keeps what a step has saved before */
export function markOfStep(context: StepContext, value: JsonObject = {}): ResetMark {
  const { saved } = context;
  return {
    isBegun: isObject(saved) && saved['reset'] === true,
    begin: () => context.checkpoint({ ...value, reset: true }),
    tell: (text) => context.tell(text),
  };
}

/** The mark of the clean-up after a failure, which has no checkpoint. */
export function markOfCleanUp(context: WorkContext): ResetMark {
  return {
    isBegun: internalOf(context.node).clean_up_reset === true,
    begin: () =>
      context.save({ driver_internal_info: changedInternal(context.node, { clean_up_reset: true }) }),
    tell: async (text) => context.log.warn(text),
  };
}

/**
 * A machine that must not lose power was not stopped, so it is reset, once: work that is entered again after a killed
 * conductor cannot know whether the reset took place. A machine that is off is then switched on, which ends the reset;
 * for one that is on, the operator decides, since a second reset could interrupt its start.
 */
export async function startMachine(context: WorkContext, reset: ResetMark): Promise<void> {
  const { power } = context.interfaces;
  if (!context.node.disable_power_off || (reset.isBegun && (await isOff(context)))) {
    await power.setPowerState(context, 'power on', POWER_TIMEOUT);
    return;
  }
  if (!reset.isBegun) {
    await reset.begin();
    await power.setPowerState(context, 'rebooting', POWER_TIMEOUT);
    return;
  }
  await reset.tell(
    'The conductor ended while it reset the machine, which is on and may or may not have been restarted. It is not ' +
      'reset a second time, which could interrupt its start: reboot it if it still runs what it ran before.',
  );
}

async function isOff(context: WorkContext): Promise<boolean> {
  return (await context.interfaces.power.getPowerState(context)) === 'power off';
}

/** Passes the boot target of the boot interface to the management interface. */
export async function bootFrom(context: WorkContext, target: BootTarget | null): Promise<void> {
  if (target === null) return;
  if (target.mode !== undefined) await setBootMode(context, target.mode);
  const { device, persistent, uri } = target;
  try {
    await context.interfaces.management.setBootDevice(context, device, persistent, uri);
  } catch (error) {
    // Every firmware tries disk and network in its own order; no other device can be assumed there.
    if (!isUnsupported(error) || (device !== 'pxe' && device !== 'disk')) throw error;
    context.log.warn({ device, error: error.message }, 'the boot device is left to the firmware');
  }
}

/** Makes the instance the target of the machine's next start. */
export async function bootFromInstance(context: WorkContext): Promise<void> {
  await bootFrom(context, await context.interfaces.boot.prepareInstance(context));
}

/** Sets the mode also if the current one cannot be read; a machine whose mode cannot be set stays as it is. */
async function setBootMode(context: WorkContext, mode: BootMode): Promise<void> {
  const { firmwareBoot } = context.interfaces.management;
  if (!firmwareBoot) return;
  const supported = async <T>(act: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await act();
    } catch (error) {
      if (!isUnsupported(error)) throw error;
      context.log.info({ mode, error: error.message }, 'the boot mode is left to the firmware');
      return undefined;
    }
  };
  if ((await supported(() => firmwareBoot.getBootMode(context))) === mode) return;
  await supported(() => firmwareBoot.setBootMode(context, mode));
}

function isUnsupported(error: unknown): error is FerricError {
  return error instanceof FerricError && error.code === 'unsupported';
}
