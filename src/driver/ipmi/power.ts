import { FerricError, UnsupportedError } from '../../domain/errors.js';
import { POWER_TARGETS, type PowerState, type PowerTarget, settledPower } from '../../domain/power/power.js';
import { pause } from '../../platform/pause.js';
import type { DriverContext, ReadContext } from '../contract/context.js';
import type { Startable } from '../contract/implementation.js';
import type { PowerInterface } from '../contract/power.js';
import { IPMI_PROPERTIES, parseTarget } from './arguments.js';
import { type BmcLink, type ChassisAct, callOf, IpmiError } from './link.js';
import type { IpmiManagement } from './management.js';

type Settled = ReturnType<typeof settledPower>;
type Act = Exclude<ChassisAct, 'diag'>;

/** The acts of each target, as data. `unless`: the act is skipped if the machine is in that state already. */
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

/** For machines that must never lose power: those whose BMC goes down with it, DPUs. */
const RESET: (typeof PLANS)['rebooting'] = [{ act: 'reset', until: 'power on' }];

/** ms between polls of the state while it changes: short at first, since most machines are quick. */
const LOOKS = [100, 200, 300, 500, 1_000, 2_000] as const;

/** ms; with less time left, a lost answer is a failure. */
const LEAST_WATCH = 1_000;

/** ms in which a system that received the button press is off, or will not be soon. */
const MOST_WATCH = 60_000;

interface Time {
  /** By performance.now(). */
  readonly end: number;
  /** ms in all. */
  readonly timeout: number;
}

/** Power by Chassis Control. Saves nothing. */
export class IpmiPower implements PowerInterface {
  readonly name = 'ipmitool';
  readonly needs: Startable;
  readonly properties = IPMI_PROPERTIES;
  readonly targets = POWER_TARGETS;
  private readonly link: BmcLink;
  private readonly management: IpmiManagement;

  constructor(parts: { link: BmcLink; management: IpmiManagement }) {
    this.link = parts.link;
    this.needs = parts.link;
    this.management = parts.management;
  }

  async validate(context: ReadContext): Promise<void> {
    parseTarget(context.node.driver_info);
  }

  async getPowerState(context: ReadContext): Promise<PowerState> {
    return (await this.link.chassisPower(callOf(context))) ?? 'error';
  }

  async setPowerState(context: DriverContext, target: PowerTarget, timeout: number): Promise<void> {
    const time = { end: performance.now() + timeout, timeout };
    const keepsPower = context.node.disable_power_off;
    if (keepsPower && target === 'soft rebooting') {
      throw new UnsupportedError(
        'A soft reboot by IPMI switches the machine off, which disable_power_off forbids.',
      );
    }
    for (const { act, until, unless } of keepsPower && target === 'rebooting' ? RESET : PLANS[target]) {
      if (unless !== undefined && (await this.getPowerState(context)) === unless) continue;
      if (act === 'on' || act === 'reset') await this.management.renewBootDevice(context);
      if (act === 'soft') await this.pressButton(context, time);
      else if (act === 'reset') await this.reset(context, time);
      else await this.act(context, act, time.end);
      await this.await(context, until, time);
    }
  }

  /** on, off: both may be sent twice. */
  private async act(context: DriverContext, act: 'on' | 'off', end: number): Promise<void> {
    try {
      await this.give(context, act, end);
    } catch (error) {
      // "Not supported in present state" (0xd5) is no failure if the machine is in the target's state already.
      if (!(error instanceof IpmiError) || !error.refused || error.code !== 'bmc-failed') throw error;
      if ((await this.getPowerState(context)) !== `power ${act}`) throw error;
    }
  }

  /**
   * The machine's operating system powers it off, which takes time, and some systems take a second press for another
   * request. So without an answer, the machine is watched for a while before the button is pressed again.
   */
  private async pressButton(context: DriverContext, time: Time): Promise<void> {
    for (;;) {
      try {
        await this.give(context, 'soft', time.end);
        return;
      } catch (error) {
        if (!(error instanceof IpmiError) || !error.unanswered) throw error;
        if (performance.now() + LEAST_WATCH >= time.end) throw error;
        const left = time.end - performance.now();
        const watched = performance.now() + Math.min(Math.max(left / 3, LEAST_WATCH), MOST_WATCH);
        if ((await this.watch(context, 'power off', watched)) === 'power off') return;
      }
    }
  }

  /**
   * A second reset loses the boot device of the next start, because the first start has consumed it. So without an
   * answer, the boot flags show whether a start has consumed them.
   */
  private async reset(context: DriverContext, time: Time): Promise<void> {
    const before = await this.management.oneTimeDevice(context);
    for (;;) {
      try {
        await this.give(context, 'reset', time.end);
        return;
      } catch (error) {
        if (!(error instanceof IpmiError)) throw error;
        const decided = error.unanswered || (error.refused && error.code === 'bmc-failed');
        if (!decided || performance.now() + LEAST_WATCH >= time.end) throw error;
        // A machine that is off needs a power on instead.
        if ((await this.getPowerState(context)) === 'power off') return this.act(context, 'on', time.end);
        if (error.refused) throw error;
        if (before !== null && (await this.management.oneTimeDevice(context)) === null) return;
      }
    }
  }

  private async give(context: DriverContext, act: Act, end: number): Promise<void> {
    await this.link.chassisControl({ ...callOf(context), within: end - performance.now() }, act);
  }

  private async await(context: DriverContext, wanted: Settled, time: Time): Promise<void> {
    const state = await this.watch(context, wanted, time.end);
    if (state === wanted) return;
    throw new FerricError(
      'bmc-failed',
      `The machine did not reach ${wanted} within ${Math.round(time.timeout / 1000)} s; its BMC says ${state}.`,
    );
  }

  /** Polls at least once, until the machine is in that state or `end` is near. @returns the last state seen */
  private async watch(context: DriverContext, wanted: Settled, end: number): Promise<PowerState> {
    for (let look = 0; ; look++) {
      const state = await this.getPowerState(context);
      const interval = LOOKS[Math.min(look, LOOKS.length - 1)]!;
      if (state === wanted || performance.now() + interval >= end) return state;
      await pause(interval, context.signal);
    }
  }
}
