import { FerricError } from '../domain/errors.js';
import type { BootMode } from '../domain/node/boot-device.js';
import type { BootTarget } from './contract/boot.js';
import type { WorkContext } from './contract/step.js';

/** ms for one change of power, including the wait for the BMC's confirmation. */
export const POWER_TIMEOUT = 60_000;

/** Skipped if the machine is off, or must not lose power. */
export async function powerOff(context: WorkContext): Promise<void> {
  const { power } = context.interfaces;
  if (context.node.disable_power_off) return;
  if ((await power.getPowerState(context)) === 'power off') return;
  await power.setPowerState(context, 'power off', POWER_TIMEOUT);
}

/** A machine that must not lose power was not stopped, so it is reset. */
export async function startMachine(context: WorkContext): Promise<void> {
  const target = context.node.disable_power_off ? 'rebooting' : 'power on';
  await context.interfaces.power.setPowerState(context, target, POWER_TIMEOUT);
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
