import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deploySection } from '../../../../src/config/section/deploy.js';
import { fakeSection } from '../../../../src/config/section/fake.js';
import { FakeMachine } from '../../../../src/driver/fake/machine.js';
import { fakeImplementations } from '../../../../src/driver/implementations.js';
import { DriverBench } from '../../../support/driver-context.js';

const machine = (settings: object = {}) => new FakeMachine(null, fakeSection.parse(settings));
const context = (driver_info: Record<string, string | number> = {}) =>
  new DriverBench({ driver_info }).context();

describe('how long a fake machine takes', () => {
  it('is what the node says, else what is configured for the interface, else nothing', () => {
    const slow = machine({ rescue_delay: 3 });
    expect(slow.delayOf(context({ fake_delay_rescue: '1.5' }), 'rescue', 'rescue')).toBe(1_500);
    expect(slow.delayOf(context(), 'rescue', 'rescue')).toBe(3_000);
    expect(slow.delayOf(context(), 'rescue', null)).toBe(0);
    expect(slow.delayOf(context(), 'power', 'power')).toBe(0);
  });

  it('is drawn from a range, its first end the likeliest', () => {
    const ranged = machine({ power_delay: '2, 10' });
    const drawn = Array.from({ length: 500 }, () => ranged.delayOf(context(), 'power', 'power'));
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(2_000);
    expect(Math.max(...drawn)).toBeLessThanOrEqual(10_000);
    // Triangular: three quarters lie in the first half.
    expect(drawn.filter((delay) => delay < 6_000).length).toBeGreaterThan(300);
    expect(new Set(drawn).size).toBeGreaterThan(100);
  });

  it('takes every pair of numbers and names what is none', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 86_400 }), fc.integer({ min: 0, max: 86_400 }), (a, b) => {
        const at = context({ fake_delay_x: `${a},${b}` });
        machine().validate(at);
        const delay = machine().delayOf(at, 'x', null);
        expect(delay).toBeGreaterThanOrEqual(Math.min(a, b) * 1000);
        expect(delay).toBeLessThanOrEqual(Math.max(a, b) * 1000);
      }),
    );
    for (const bad of ['', 'soon', '1,2,3', '1,', '-1', '0,86401']) {
      expect(() => machine().validate(context({ fake_delay_x: bad }))).toThrow('fake_delay_x must be');
    }
    expect(() => fakeSection.parse({ power_delay: '1,2,3' })).toThrow('is not a delay');
  });
});

describe('names of fake hardware', () => {
  const { power } = fakeImplementations({
    deploy: deploySection.parse({}),
    journalDirectory: null,
    delays: fakeSection.parse({}),
  });
  const judge = (driver_info: Record<string, string>) => power![0]!.validate(context(driver_info));

  it.each([
    'fake_delay_write_image',
    'fake_delay_erase_devices',
    'fake_delay_tear_down',
    'fake_fail_inspect_hardware',
    'fake_fail_unrescue',
    'fake_fail_second_method',
    'fake_fail_power',
    'fake_delay_console',
    'fake_delay_log_passthrough',
  ])('%s steers something', async (name) => {
    await expect(judge({ [name]: '1' })).resolves.toBeUndefined();
  });

  it.each([
    ['fake_fail_writeimage', 'fake_fail_write_image'],
    ['fake_delay_erase_device', 'fake_delay_erase_devices'],
    ['fake_dealy_power', undefined],
    ['fake_inventroy', 'fake_inventory'],
    ['fake_fail_', undefined],
    ['fake_fail_constructor', undefined],
  ])('%s fits nothing and is refused, with the nearest', async (name, near) => {
    const refusal = judge({ [name]: '1' });
    await expect(refusal).rejects.toMatchObject({ code: 'invalid' });
    await expect(refusal).rejects.toThrow(`${name} is of no use to fake hardware`);
    if (near) await expect(refusal).rejects.toThrow(`did you mean ${near}?`);
  });
});
