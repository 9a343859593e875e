import type { RedfishSettings } from '../../config/section/redfish.js';
import { FerricError, UnsupportedError } from '../../domain/errors.js';
import type { BootMode } from '../../domain/node/boot-device.js';
import { pause } from '../../platform/pause.js';
import { readBoot } from '../../protocol/redfish/boot-override.js';
import { hasMessage } from '../../protocol/redfish/error-body.js';
import { planPower, settledPowerState } from '../../protocol/redfish/power-plan.js';
import { booleanOf, linkOf, type Resource } from '../../protocol/redfish/resource.js';
import type { DriverContext, ReadContext } from '../contract/context.js';
import type { FirmwareBoot } from '../contract/management.js';
import type { RedfishBootDevice } from './boot-device.js';
import { RedfishError } from './faults.js';
import type { Read, RedfishMachine, RedfishMachines } from './machine.js';
import type { RedfishResets } from './resets.js';

/** ms between polls while a machine reboots for a firmware change (Ironic: 15 s). */
const LOOK = 5_000;
/** ms in which a service shows a change that needs no reboot. */
const SOON = 3_000;
/** ms for one change of power. */
const POWER = 120_000;

/** Boot mode and Secure Boot (Ironic: boot_mode_utils.py, redfish/management.py). */
export class RedfishFirmwareBoot implements FirmwareBoot {
  constructor(
    private readonly parts: {
      machines: RedfishMachines;
      bootDevice: RedfishBootDevice;
      resets: RedfishResets;
      settings: RedfishSettings;
    },
  ) {}

  async getBootMode(context: ReadContext): Promise<BootMode> {
    const mode = await this.modeOf(this.parts.machines.of(context));
    if (mode === undefined) throw new UnsupportedError('The BMC does not tell the boot mode.');
    return mode;
  }

  async setBootMode(context: DriverContext, mode: BootMode): Promise<void> {
    const machine = this.parts.machines.of(context);
    if ((await this.modeOf(machine)) === mode) return;
    await this.parts.bootDevice.setMode(machine, mode);
    const told = (await this.modeOf(machine)) !== undefined;
    if (!told) return; // nothing more can be known
    await this.takesEffect(
      context,
      machine,
      `boot mode ${mode}`,
      async () => (await this.modeOf(machine)) === mode,
    );
  }

  async getSecureBoot(context: ReadContext): Promise<boolean> {
    const { read } = await this.secureBoot(this.parts.machines.of(context));
    return enabled(read.resource);
  }

  async setSecureBoot(context: DriverContext, on: boolean): Promise<void> {
    const machine = this.parts.machines.of(context);
    const { path, read } = await this.secureBoot(machine);
    if (enabled(read.resource) === on) return;
    if (on && (await this.modeOf(machine)) === 'bios') {
      throw new FerricError('bmc-failed', 'Secure Boot needs boot mode uefi; the machine is in mode bios.');
    }
    const body = { SecureBootEnable: on };
    try {
      await machine.patch(path, body, read.etag);
    } catch (error) {
      if (!(error instanceof RedfishError) || !error.unanswered) throw error;
    }
    const state = on ? 'on' : 'off';
    await this.takesEffect(context, machine, `Secure Boot ${state}`, async () => {
      const { read: now } = await this.secureBoot(machine);
      return enabled(now.resource) === on;
    });
  }

  private async modeOf(machine: RedfishMachine): Promise<BootMode | undefined> {
    const { resource } = await machine.system();
    return readBoot(resource).mode;
  }

  private async secureBoot(machine: RedfishMachine): Promise<{ path: string; read: Read }> {
    const { resource } = await machine.system();
    const path = linkOf(resource, 'SecureBoot');
    if (path === undefined) throw new UnsupportedError('The BMC does not offer Secure Boot.');
    try {
      return { path, read: await machine.read(path) };
    } catch (error) {
      if (!(error instanceof RedfishError)) throw error;
      if (error.status === 404 || hasMessage(error.messages, 'OemLicenseNotPassed')) {
        throw new UnsupportedError(`The BMC does not offer Secure Boot: ${error.message}`, { cause: error });
      }
      throw error;
    }
  }

  /** A change that is not shown soon needs a reboot, after which the machine's power is as before. */
  private async takesEffect(
    context: DriverContext,
    machine: RedfishMachine,
    what: string,
    isSo: () => Promise<boolean>,
  ): Promise<void> {
    if (await this.isSoon(machine, isSo)) return;
    const { resource } = await machine.system();
    const wasOff = settledPowerState(resource) === 'power off';
    const { differences } = await machine.differences(resource);
    const { resets, settings } = this.parts;
    context.log.info(`the machine is rebooted for ${what}`);
    const target = wasOff ? 'power on' : 'rebooting';
    await resets.perform(machine, planPower(target, context.node.disable_power_off, differences), POWER);
    const end = performance.now() + settings.boot_mode_config_timeout * 1000;
    let so = false;
    while (!so && performance.now() + LOOK < end) {
      await pause(LOOK, machine.caller.signal);
      so = await tolerant(isSo);
    }
    if (wasOff && !context.node.disable_power_off) {
      await resets.perform(machine, planPower('power off', false, differences), POWER);
    }
    if (so) return;
    throw new FerricError(
      'bmc-failed',
      `${what.charAt(0).toUpperCase()}${what.slice(1)} did not take effect within ${settings.boot_mode_config_timeout} s of a reboot.`,
    );
  }

  private async isSoon(machine: RedfishMachine, isSo: () => Promise<boolean>): Promise<boolean> {
    const end = performance.now() + SOON;
    for (;;) {
      if (await tolerant(isSo)) return true;
      if (performance.now() >= end) return false;
      await pause(1_000, machine.caller.signal);
    }
  }
}

/** Services answer 5xx while they apply a change. */
async function tolerant(isSo: () => Promise<boolean>): Promise<boolean> {
  try {
    return await isSo();
  } catch (error) {
    if (error instanceof RedfishError && error.status !== undefined && error.status >= 500) return false;
    throw error;
  }
}

function enabled(secureBoot: Resource): boolean {
  const on = booleanOf(secureBoot, 'SecureBootEnable');
  if (on === undefined) throw new UnsupportedError('The BMC does not tell whether Secure Boot is on.');
  return on;
}
