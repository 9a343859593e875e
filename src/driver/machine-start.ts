import { FerricError } from '../domain/errors.js';
import type { BootMode } from '../domain/node/boot-device.js';
import type { BootTarget } from './contract/boot.js';
import type { WorkContext } from './contract/step.js';

/** ms for one change of power, the waiting for the BMC's word included. */
export const POWER_TIMEOUT = 60_000;

/** Unless it is off, or must not lose power. */
export async function powerOff(context: WorkContext): Promise<void> {
  const { power } = context.interfaces;
  if (context.node.disable_power_off) return;
  if ((await power.getPowerState(context)) === 'power off') return;
  await power.setPowerState(context, 'power off', POWER_TIMEOUT);
}

/** A machine that must not lose power was not stopped: it is reset. */
export async function startMachine(context: WorkContext): Promise<void> {
  const target = context.node.disable_power_off ? 'rebooting' : 'power on';
  await context.interfaces.power.setPowerState(context, target, POWER_TIMEOUT);
}

/** Tells the management interface what the boot interface wants the machine to start from. */
export async function bootFrom(context: WorkContext, target: BootTarget | null): Promise<void> {
  if (target === null) return;
  if (target.mode !== undefined) await setBootMode(context, target.mode);
  const { device, persistent, uri } = target;
  try {
    await context.interfaces.management.setBootDevice(context, device, persistent, uri);
  } catch (error) {
    // Disk and network are in every firmware's own order; nothing else may be taken for granted there.
    if (!isUnsupported(error) || (device !== 'pxe' && device !== 'disk')) throw error;
    context.log.warn({ device, error: error.message }, 'the boot device is left to the firmware');
  }
}

/** The instance takes the ramdisk's place in the machine's next start. */
export async function bootFromInstance(context: WorkContext): Promise<void> {
  await bootFrom(context, await context.interfaces.boot.prepareInstance(context));
}

/** A machine whose mode cannot be read is told; one whose mode cannot be set is left as it is. */
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
