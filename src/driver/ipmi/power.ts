import { FerricError, UnsupportedError } from '../../domain/errors.js';
import { POWER_TARGETS, type PowerState, type PowerTarget, settledPower } from '../../domain/power/power.js';
import type { DriverContext } from '../contract/context.js';
import type { PowerInterface } from '../contract/power.js';
import { IPMI_PROPERTIES, parseTarget } from './arguments.js';
import { callOf, IpmiError, type Ipmitool, rest } from './ipmitool.js';
import type { IpmiManagement } from './management.js';
import { parsePowerStatus } from './output.js';

type Settled = ReturnType<typeof settledPower>;
type Act = 'on' | 'off' | 'soft' | 'reset';

/** What each target takes, as data. `unless`: the act is left out when the machine is in that state already. */
const PLANS: Record<PowerTarget, readonly { act: Act; until: Settled; unless?: Settled }[]> = {
  'power on': [{ act: 'on', until: 'power on' }],
  'power off': [{ act: 'off', until: 'power off' }],
  'soft power off': [{ act: 'soft', until: 'power off', unless: 'power off' }],
  rebooting: [
    { act: 'off', until: 'power off', unless: 'power off' }, // some BMCs refuse to switch off what is off
    { act: 'on', until: 'power on' },
  ],
  'soft rebooting': [
    { act: 'soft', until: 'power off', unless: 'power off' },
    { act: 'on', until: 'power on' },
  ],
};

/** For machines that must never lose power: BMCs that go down with it, DPUs. */
const RESET: (typeof PLANS)['rebooting'] = [{ act: 'reset', until: 'power on' }];

/** ms between looks at the state while it changes: quick at first, since most machines are. */
const LOOKS = [100, 200, 300, 500, 1_000, 2_000] as const;

/** Power by `ipmitool power`. Saves nothing. */
export class IpmiPower implements PowerInterface {
  readonly name = 'ipmitool';
  readonly properties = IPMI_PROPERTIES;
  readonly targets = POWER_TARGETS;
  private readonly ipmitool: Ipmitool;
  private readonly management: IpmiManagement;

  constructor(parts: { ipmitool: Ipmitool; management: IpmiManagement }) {
    this.ipmitool = parts.ipmitool;
    this.management = parts.management;
  }

  async validate(context: DriverContext): Promise<void> {
    parseTarget(context.node.driver_info);
  }

  async getPowerState(context: DriverContext): Promise<PowerState> {
    const stdout = await this.ipmitool.execute({
      ...callOf(context, ['power', 'status'], 'read'),
      succeeded: (text) => parsePowerStatus(text) !== undefined,
    });
    return parsePowerStatus(stdout) ?? 'error';
  }

  async setPowerState(context: DriverContext, target: PowerTarget, timeout: number): Promise<void> {
    const end = performance.now() + timeout;
    const keepsPower = context.node.disable_power_off;
    if (keepsPower && target === 'soft rebooting') {
      throw new UnsupportedError(
        'A soft reboot by IPMI switches the machine off, which disable_power_off forbids.',
      );
    }
    for (const { act, until, unless } of keepsPower && target === 'rebooting' ? RESET : PLANS[target]) {
      if (unless !== undefined && (await this.getPowerState(context)) === unless) continue;
      if (act === 'on' || act === 'reset') await this.management.renewBootDevice(context);
      await this.act(context, act, until, end);
      await this.await(context, until, end, timeout);
    }
  }

  private async act(context: DriverContext, act: Act, until: Settled, end: number): Promise<void> {
    try {
      await this.ipmitool.execute({
        ...callOf(context, ['power', act], 'control'),
        within: end - performance.now(),
        succeeded: (stdout) => stdout.startsWith('Chassis Power Control:'),
      });
    } catch (error) {
      // "Not supported in present state" (0xd5) from a machine that is there already is no failure; from one that is
      // off and should be reset, it wants to be switched on.
      if (!(error instanceof IpmiError) || error.code !== 'bmc-failed' || error.fault.passing) throw error;
      const state = await this.getPowerState(context);
      if (act === 'reset' && state === 'power off') await this.act(context, 'on', 'power on', end);
      else if (act === 'reset' || state !== until) throw error;
    }
  }

  private async await(context: DriverContext, wanted: Settled, end: number, timeout: number): Promise<void> {
    for (let look = 0; ; look++) {
      const state = await this.getPowerState(context);
      if (state === wanted) return;
      const pause = LOOKS[Math.min(look, LOOKS.length - 1)]!;
      if (performance.now() + pause >= end) {
        throw new FerricError(
          'bmc-failed',
          `The machine did not reach ${wanted} within ${Math.round(timeout / 1000)} s; its BMC says ${state}.`,
        );
      }
      await rest(pause, context.signal);
    }
  }
}
