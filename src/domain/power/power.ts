/** Power states and targets, named as Ironic's states.py names them. */
export const POWER_STATES = ['power on', 'power off', 'error'] as const;
export type PowerState = (typeof POWER_STATES)[number];

export const POWER_TARGETS = [
  'power on',
  'power off',
  'rebooting',
  'soft power off',
  'soft rebooting',
] as const;
export type PowerTarget = (typeof POWER_TARGETS)[number];

/** The state that a target ends in. */
export function settledPower(target: PowerTarget): Exclude<PowerState, 'error'> {
  return target === 'power off' || target === 'soft power off' ? 'power off' : 'power on';
}
