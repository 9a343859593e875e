import type { HardwareHealth } from '../../domain/hardware/component.js';
import { POWER_TARGETS, type PowerState, type PowerTarget } from '../../domain/power/power.js';
import { planPower, readPowerState } from '../../protocol/redfish/power-plan.js';
import { healthOf } from '../../protocol/redfish/resource.js';
import type { DriverContext, ReadContext } from '../contract/context.js';
import type { Startable } from '../contract/implementation.js';
import type { PowerInterface } from '../contract/power.js';
import type { RedfishMachines } from './machine.js';
import type { RedfishManagement } from './management.js';
import type { RedfishResets } from './resets.js';
import { parseTarget, REDFISH_PROPERTIES } from './target.js';

/** Power by ComputerSystem.Reset. Saves nothing. */
export class RedfishPower implements PowerInterface {
  readonly name = 'redfish';
  readonly needs: Startable;
  readonly properties = REDFISH_PROPERTIES;
  readonly targets = POWER_TARGETS;

  constructor(
    private readonly parts: {
      machines: RedfishMachines;
      management: RedfishManagement;
      resets: RedfishResets;
    },
  ) {
    this.needs = parts.machines.client;
  }

  async validate(context: ReadContext): Promise<void> {
    parseTarget(context.node.driver_info, context.node.driver_internal_info);
  }

  async getPowerState(context: ReadContext): Promise<PowerState> {
    const { resource } = await this.parts.machines.of(context).system();
    return readPowerState(resource);
  }

  /** Of the same resource, so that health costs no request of its own. */
  async look(context: ReadContext): Promise<{ power: PowerState; health: HardwareHealth | null }> {
    const { resource } = await this.parts.machines.of(context).system();
    return { power: readPowerState(resource), health: healthOf(resource) ?? null };
  }

  async setPowerState(context: DriverContext, target: PowerTarget, timeout: number): Promise<void> {
    const machine = this.parts.machines.of(context);
    const { resource } = await machine.system();
    const { differences } = await machine.differences(resource);
    const acts = planPower(target, context.node.disable_power_off, differences);
    // A BMC that does not keep a persistent boot device gets it again before each start.
    if (target === 'power on' || target === 'rebooting' || target === 'soft rebooting') {
      await this.parts.management.renewBootDevice(context);
    }
    await this.parts.resets.perform(machine, acts, timeout);
  }
}
