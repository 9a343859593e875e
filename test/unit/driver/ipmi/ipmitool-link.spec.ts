import { describe, expect, it } from 'vitest';
import { flagsFor } from '../../../../src/driver/ipmi/boot-device.js';
import type { IpmiCall, Ipmitool } from '../../../../src/driver/ipmi/ipmitool.js';
import { IpmitoolLink } from '../../../../src/driver/ipmi/ipmitool-link.js';
import { callOf } from '../../../../src/driver/ipmi/link.js';
import { DriverBench } from '../../../support/driver-context.js';

const call = callOf(new DriverBench({ driver_info: { ipmi_address: '10.0.0.1' } }).context());

/** A link whose ipmitool says the same to everything, and what it was told. */
function link(stdout = '') {
  const calls: IpmiCall[] = [];
  const ipmitool = {
    name: 'ipmitool',
    start: async () => '1.8.19',
    execute: async (given: IpmiCall) => {
      calls.push(given);
      return stdout;
    },
  };
  const words = () => calls.map(({ command }) => command.words.join(' '));
  return { calls, words, link: new IpmitoolLink(ipmitool as unknown as Ipmitool) };
}

const SUPERMICRO = 'Supermicro';

describe('IpmitoolLink', () => {
  it.each([
    ['pxe', false, true, '', 'raw 0x00 0x08 0x05 0xa0 0x04 0x00 0x00 0x00'],
    ['disk', true, true, '', 'raw 0x00 0x08 0x05 0xe0 0x08 0x00 0x00 0x00'],
    ['disk', true, true, SUPERMICRO, 'raw 0x00 0x08 0x05 0xe0 0x24 0x00 0x00 0x00'],
    ['cdrom', false, true, SUPERMICRO, 'raw 0x00 0x08 0x05 0xa0 0x14 0x00 0x00 0x00'],
    ['bios', false, true, '', 'raw 0x00 0x08 0x05 0xa0 0x18 0x00 0x00 0x00'],
    ['safe', false, true, '', 'raw 0x00 0x08 0x05 0xa0 0x0c 0x00 0x00 0x00'],
    ['pxe', false, false, '', 'chassis bootdev pxe'],
    ['disk', true, false, SUPERMICRO, 'chassis bootdev disk options=persistent'],
    ['cdrom', false, false, '', 'chassis bootdev cdrom'],
  ] as const)(
    'boot device %s, persistent %j, UEFI %j, of %s: %s',
    async (device, persistent, efi, vendor, told) => {
      const { link: by, words } = link();
      await by.setBootFlags(call, flagsFor(device, { persistent, efi, vendor }));
      expect(words()).toEqual([told]);
    },
  );

  it('reads what the BMC says', async () => {
    expect(await link('Chassis Power is off\n').link.chassisPower(call)).toBe('power off');
    expect(await link('Boot parameter data: e008000000\n').link.bootFlags(call)).toMatchObject({
      valid: true,
      persistent: true,
      efi: true,
      selector: 2,
    });
    expect(await link(' 20 01\n').link.raw(call, [0x06, 0x01])).toEqual(Uint8Array.of(0x20, 0x01));
    await expect(link('Segmentation fault').link.raw(call, [0x06, 0x01])).rejects.toMatchObject({
      code: 'bmc-failed',
    });
  });

  it('sends once what is to be sent once, though it could be repeated', async () => {
    const { link: by, calls } = link('Chassis Power is on\n');
    await by.chassisPower(call);
    await by.chassisPower({ ...call, once: true });
    await by.chassisControl(call, 'soft');
    const other = link(' 00\n');
    await other.link.raw(call, [0x00, 0x02, 0x01]);
    expect([...calls, ...other.calls].map(({ command, within }) => [command.repeatable, within])).toEqual([
      [true, undefined],
      [false, 0],
      [false, undefined],
      [false, undefined],
    ]);
  });
});
