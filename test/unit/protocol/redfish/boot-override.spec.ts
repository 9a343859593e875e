import { describe, expect, it } from 'vitest';
import {
  allowedDevices,
  isOverridden,
  persistentAllowed,
  planNoOverride,
  planOverride,
  readBoot,
} from '../../../../src/protocol/redfish/boot-override.js';

const boot = (more: object, allowed: string[] = ['None', 'Pxe', 'Cd', 'Hdd', 'BiosSetup', 'UefiHttp']) =>
  ({
    Boot: {
      BootSourceOverrideEnabled: 'Disabled',
      BootSourceOverrideMode: 'UEFI',
      BootSourceOverrideTarget: 'None',
      'BootSourceOverrideTarget@Redfish.AllowableValues': allowed,
      ...more,
    },
  }) as never;

describe('readBoot', () => {
  it.each([
    [{ BootSourceOverrideEnabled: 'Once', BootSourceOverrideTarget: 'Pxe' }, 'pxe', false],
    [{ BootSourceOverrideEnabled: 'Continuous', BootSourceOverrideTarget: 'Hdd' }, 'disk', true],
    [{ BootSourceOverrideEnabled: 'Once', BootSourceOverrideTarget: 'UsbCd' }, 'cdrom', false],
    [{ BootSourceOverrideEnabled: 'Disabled', BootSourceOverrideTarget: 'Pxe' }, null, null],
    [{ BootSourceOverrideEnabled: null, BootSourceOverrideTarget: null }, null, null],
    [{ BootSourceOverrideEnabled: 'Once', BootSourceOverrideTarget: 'Utilities' }, null, false],
  ])('of %j', (said, device, persistent) => {
    expect(readBoot(boot(said))).toMatchObject({ device, persistent });
  });

  it('knows no mode, device or URI where the service tells none', () => {
    expect(readBoot({ Boot: null })).toEqual({
      device: null,
      persistent: null,
      mode: undefined,
      target: undefined,
      enabled: undefined,
      httpBootUri: undefined,
    });
    expect(readBoot(boot({ HttpBootUri: 'None' })).httpBootUri).toBeUndefined(); // sushy-tools
    expect(readBoot(boot({ HttpBootUri: '' })).httpBootUri).toBeUndefined(); // BlueField
    expect(readBoot(boot({ BootSourceOverrideMode: 'Legacy' })).mode).toBe('bios');
  });
});

describe('planOverride', () => {
  const once = { device: 'pxe', persistent: false } as const;

  it('says what changes alone', () => {
    expect(planOverride(once, boot({}), undefined, {})?.boot).toEqual({
      BootSourceOverrideTarget: 'Pxe',
      BootSourceOverrideEnabled: 'Once',
    });
    expect(planOverride(once, boot({ BootSourceOverrideEnabled: 'Once' }), undefined, {})?.boot).toEqual({
      BootSourceOverrideTarget: 'Pxe',
    });
  });

  it('says the mode only where it differs: an iDRAC9 makes a job of it', () => {
    expect(planOverride({ ...once, mode: 'uefi' }, boot({}), undefined, {})?.boot).not.toHaveProperty(
      'BootSourceOverrideMode',
    );
    expect(planOverride({ ...once, mode: 'bios' }, boot({}), undefined, {})?.boot).toHaveProperty(
      'BootSourceOverrideMode',
      'Legacy',
    );
    expect(
      planOverride({ ...once, mode: 'bios' }, boot({ BootSourceOverrideMode: null }), undefined, {})?.boot,
    ).not.toHaveProperty('BootSourceOverrideMode');
    expect(
      planOverride({ ...once, mode: 'bios' }, boot({}), undefined, { modeReadOnly: true })?.boot,
    ).not.toHaveProperty('BootSourceOverrideMode');
  });

  it('says all three to BMCs that want them together', () => {
    const now = boot({ BootSourceOverrideEnabled: 'Once', BootSourceOverrideTarget: 'Pxe' });
    expect(planOverride(once, now, undefined, { bootPayload: 'whole' })?.boot).toEqual({
      BootSourceOverrideTarget: 'Pxe',
      BootSourceOverrideEnabled: 'Once',
      BootSourceOverrideMode: 'UEFI',
    });
  });

  it('takes the name of a CD that the machine has', () => {
    const cd = { device: 'cdrom', persistent: false } as const;
    const target = (allowed: string[] | undefined, differences: object) =>
      planOverride(cd, boot({}, allowed as string[]), undefined, differences)?.target;
    expect(target(['Cd', 'UsbCd'], {})).toBe('Cd');
    expect(target(['Cd', 'UsbCd'], { cdTargets: ['UsbCd'] })).toBe('UsbCd');
    expect(target(['Cd'], { cdTargets: ['UsbCd'] })).toBe('Cd');
    expect(target(['UsbCd'], {})).toBe('UsbCd');
    expect(target(['Pxe'], {})).toBeUndefined();
    expect(planOverride(cd, { Boot: {} }, undefined, {})?.target).toBe('Cd');
    expect(planOverride(cd, { Boot: {} }, undefined, { cdTargets: ['UsbCd'] })?.target).toBe('UsbCd');
  });

  it('is once where nothing persists (Lenovo)', () => {
    const lenovo = boot({ 'BootSourceOverrideEnabled@Redfish.AllowableValues': ['Once', 'Disabled'] });
    const plan = planOverride({ device: 'disk', persistent: true }, lenovo, undefined, {})!;
    expect(plan.enabled).toBe('Once');
    expect(persistentAllowed(lenovo, undefined)).toBe(false);
    expect(planOverride({ device: 'disk', persistent: true }, boot({}), undefined, {})?.enabled).toBe(
      'Continuous',
    );
  });

  it('goes to the settings object where that has the properties (iDRAC10, Nokia), and not where it has none (SE450)', () => {
    const system = {
      ...(boot({}, []) as object),
      '@Redfish.Settings': { SettingsObject: { '@odata.id': '/redfish/v1/Systems/1/Settings' } },
    } as never;
    const pending = boot({}, ['Pxe']);
    expect(planOverride(once, system, pending, {})).toMatchObject({ onSettings: true, target: 'Pxe' });
    expect(planOverride(once, system, { Boot: { BootOrder: [] } } as never, {})).toMatchObject({
      onSettings: false,
    });
    expect(planOverride(once, system, undefined, {})).toMatchObject({ onSettings: false });
    expect(planOverride(once, boot({}), pending, {})).toMatchObject({ onSettings: false });
  });

  it('sends a URL with HTTP boot, and takes one away with the rest', () => {
    const http = { device: 'uefihttp', persistent: false } as const;
    expect(
      planOverride({ ...http, httpBootUri: 'http://x/a.iso' }, boot({}), undefined, {})?.boot,
    ).toMatchObject({
      BootSourceOverrideTarget: 'UefiHttp',
      HttpBootUri: 'http://x/a.iso',
    });
    expect(planOverride(http, boot({}), undefined, {})?.boot).not.toHaveProperty('HttpBootUri');
    expect(planOverride(once, boot({ HttpBootUri: 'http://x/a.iso' }), undefined, {})?.boot).toMatchObject({
      HttpBootUri: null,
    });
  });
});

describe('allowedDevices', () => {
  it('is what the service allows, of all where it does not say', () => {
    expect(allowedDevices(boot({}, ['Pxe', 'UsbCd']), undefined, {})).toEqual(['pxe', 'cdrom']);
    expect(allowedDevices({ Boot: null }, undefined, {})).toEqual([
      'pxe',
      'disk',
      'cdrom',
      'bios',
      'uefihttp',
    ]);
  });
});

describe('planNoOverride', () => {
  it('keeps the target for those that refuse it otherwise (HPE)', () => {
    const now = boot({ BootSourceOverrideEnabled: 'Once', BootSourceOverrideTarget: 'Pxe' });
    expect(planNoOverride(now, {})).toEqual({ BootSourceOverrideEnabled: 'Disabled' });
    expect(planNoOverride(now, { keepTargetWhenDisabling: true })).toEqual({
      BootSourceOverrideEnabled: 'Disabled',
      BootSourceOverrideTarget: 'Pxe',
    });
    expect(planNoOverride(boot({}), { keepTargetWhenDisabling: true })).toEqual({
      BootSourceOverrideEnabled: 'Disabled',
    });
  });
});

describe('isOverridden', () => {
  const plan = planOverride({ device: 'pxe', persistent: false }, boot({}), undefined, {})!;
  it('is told by what is read back, not by the answer', () => {
    expect(
      isOverridden(
        readBoot(boot({ BootSourceOverrideEnabled: 'Once', BootSourceOverrideTarget: 'Pxe' })),
        plan,
      ),
    ).toBe(true);
    expect(
      isOverridden(
        readBoot(boot({ BootSourceOverrideEnabled: 'Continuous', BootSourceOverrideTarget: 'Pxe' })),
        plan,
      ),
    ).toBe(true);
    expect(isOverridden(readBoot(boot({})), plan)).toBe(false);
    expect(isOverridden(readBoot(boot({ BootSourceOverrideTarget: 'Pxe' })), plan)).toBe(false);
  });
});
