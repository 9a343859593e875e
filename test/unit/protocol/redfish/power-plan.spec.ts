import { describe, expect, it } from 'vitest';
import {
  planPower,
  readPowerState,
  resetType,
  settledPowerState,
} from '../../../../src/protocol/redfish/power-plan.js';

describe('readPowerState', () => {
  it.each([
    ['On', 'power on', 'power on'],
    ['PoweringOn', 'power on', undefined],
    ['Off', 'power off', 'power off'],
    ['PoweringOff', 'power off', undefined],
    ['Paused', 'error', undefined],
    [null, 'error', undefined],
    [undefined, 'error', undefined],
    [1, 'error', undefined],
  ])('%s', (said, state, settled) => {
    const system = { PowerState: said } as never;
    expect(readPowerState(system)).toBe(state);
    expect(settledPowerState(system)).toBe(settled);
  });
});

describe('planPower', () => {
  const types = (...args: Parameters<typeof planPower>) => planPower(...args).map((act) => act.types[0]);

  it('is Ironic’s for each target', () => {
    expect(types('power on', false, {})).toEqual(['On']);
    expect(types('power off', false, {})).toEqual(['ForceOff']);
    expect(types('soft power off', false, {})).toEqual(['GracefulShutdown']);
    expect(types('rebooting', false, {})).toEqual(['ForceOff', 'On']);
    expect(types('soft rebooting', false, {})).toEqual(['GracefulRestart']);
  });

  it('keeps the power where it must not be lost', () => {
    expect(types('rebooting', true, {})).toEqual(['ForceRestart']);
    expect(planPower('soft rebooting', true, {})[0]?.otherwise).toBeUndefined();
  });

  it('waits between off and on for machines that hang else (SR675 V3)', () => {
    expect(planPower('rebooting', false, { restartByOffOn: 10_000 }).map(({ pause }) => pause)).toEqual([
      undefined,
      10_000,
    ]);
  });

  it('comes to a soft reboot by shutdown and start where there is no GracefulRestart', () => {
    expect(planPower('soft rebooting', false, {})[0]?.otherwise?.map((act) => act.types[0])).toEqual([
      'GracefulShutdown',
      'On',
    ]);
  });
});

describe('resetType', () => {
  const [on] = planPower('power on', false, {});
  it('is the first that the service allows', () => {
    expect(resetType(on!, undefined)).toBe('On');
    expect(resetType(on!, ['ForceOff', 'PushPowerButton'])).toBe('PushPowerButton');
    expect(resetType(on!, ['ForceOff'])).toBeUndefined();
  });
});
