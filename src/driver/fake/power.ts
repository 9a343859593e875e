import { POWER_TARGETS, type PowerState, type PowerTarget, settledPower } from '../../domain/power/power.js';
import { pause } from '../../platform/pause.js';
import type { DriverContext, ReadContext } from '../contract/context.js';
import { internalOf } from '../contract/internal-info.js';
import type { PowerInterface } from '../contract/power.js';
import { FAKE_PROPERTIES, type FakeMachine } from './machine.js';

/** Its state is driver_internal_info.fake_power_state; a machine that was never powered on is off. */
export class FakePower implements PowerInterface {
  readonly name = 'fake';
  readonly properties = FAKE_PROPERTIES;
  readonly targets = POWER_TARGETS;

  constructor(private readonly machine: FakeMachine) {}

  async validate(context: ReadContext): Promise<void> {
    this.machine.validate(context);
  }

  async getPowerState(context: ReadContext): Promise<PowerState> {
    const delay = this.machine.delayOf(context, 'power', 'power');
    if (delay > 0) await pause(delay, context.signal);
    this.machine.failIfAsked(context, 'power');
    return internalOf(context.node).fake_power_state === 'power on' ? 'power on' : 'power off';
  }

  async setPowerState(context: DriverContext, target: PowerTarget): Promise<void> {
    await this.machine.act(context, 'power', target, { fake_power_state: settledPower(target) });
  }
}
