import type { Differences } from './quirk.js';
import { type Resource, textOf } from './resource.js';

/** Names of the Bare Metal API (ironic/common/states.py). */
type Power = 'power on' | 'power off';
type PowerTarget = Power | 'rebooting' | 'soft power off' | 'soft rebooting';

/** Ironic's mapping (redfish/power.py): a transition counts as its target; Paused and unknown states are an error. */
export function readPowerState(system: Resource): Power | 'error' {
  switch (textOf(system, 'PowerState')) {
    case 'On':
    case 'PoweringOn':
      return 'power on';
    case 'Off':
    case 'PoweringOff':
      return 'power off';
    default:
      return 'error';
  }
}

/** The state if it is settled: PoweringOff is not yet off. */
export function settledPowerState(system: Resource): Power | undefined {
  const said = textOf(system, 'PowerState');
  return said === 'On' ? 'power on' : said === 'Off' ? 'power off' : undefined;
}

/** One reset of a plan. */
export interface ResetAct {
  /** ResetTypes with the same effect; the first that the service allows is sent. */
  readonly types: readonly string[];
  readonly until: Power;
  /** Skipped if the machine is in that state already. */
  readonly unless?: Power;
  /** ms to wait before. */
  readonly pause?: number;
  /** If none of the types is allowed: acts with the same result. */
  readonly otherwise?: readonly ResetAct[];
}

const ON: ResetAct = { types: ['On', 'ForceOn', 'PushPowerButton'], until: 'power on', unless: 'power on' };
const OFF: ResetAct = { types: ['ForceOff'], until: 'power off', unless: 'power off' };
const SOFT_OFF: ResetAct = { types: ['GracefulShutdown'], until: 'power off', unless: 'power off' };

/**
 * The acts of a power target (Ironic: redfish/power.py). A reboot is power off and on, so that a one-time boot device
 * and pending settings take effect; for a machine that must not lose power it is a restart.
 */
export function planPower(
  target: PowerTarget,
  keepsPower: boolean,
  { restartByOffOn }: Differences,
): readonly ResetAct[] {
  switch (target) {
    case 'power on':
      return [ON];
    case 'power off':
      return [OFF];
    case 'soft power off':
      return [SOFT_OFF];
    case 'rebooting':
      return keepsPower
        ? [{ types: ['ForceRestart', 'GracefulRestart'], until: 'power on' }]
        : [OFF, restartByOffOn === undefined ? ON : { ...ON, pause: restartByOffOn }];
    case 'soft rebooting': {
      const restart: ResetAct = { types: ['GracefulRestart'], until: 'power on' };
      return keepsPower ? [restart] : [{ ...restart, otherwise: [SOFT_OFF, ON] }];
    }
  }
}

/**
 * The ResetType to send. PushPowerButton powers off a machine that is on, so it replaces only On.
 * @param allowed undefined: the service does not list them, and the first type is sent
 * @returns undefined if the service allows none of them
 */
export function resetType(act: ResetAct, allowed: readonly string[] | undefined): string | undefined {
  return allowed ? act.types.find((type) => allowed.includes(type)) : act.types[0];
}
