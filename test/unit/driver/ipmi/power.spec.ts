import { describe, expect, it } from 'vitest';
import { ipmiSection } from '../../../../src/config/section/ipmi.js';
import type { DriverNode } from '../../../../src/driver/contract/context.js';
import { type BmcLink, IpmiError, type IpmiFault, type LinkCall } from '../../../../src/driver/ipmi/link.js';
import { IpmiManagement } from '../../../../src/driver/ipmi/management.js';
import { IpmiPower } from '../../../../src/driver/ipmi/power.js';
import { IpmiVendor } from '../../../../src/driver/ipmi/vendor.js';
import type { BootFlags } from '../../../../src/protocol/ipmi/boot-flags.js';
import { DriverBench } from '../../../support/driver-context.js';

const SILENT: IpmiFault = {
  code: 'bmc-unreachable',
  message: 'the BMC did not answer the command',
  passing: 'silent',
};

/** A BMC that is reached without ipmitool: the plans above must not know the difference. */
class PaperLink implements BmcLink {
  readonly name = 'paper';
  readonly done: string[] = [];
  on = false;
  flags: BootFlags = { valid: false, persistent: false, efi: false, selector: 0, rest: new Uint8Array(3) };
  /** Acts that are carried out and whose answer is lost, once each. */
  lost = new Set<string>();

  async chassisPower(): Promise<'power on' | 'power off'> {
    return this.on ? 'power on' : 'power off';
  }

  async chassisControl(call: LinkCall, act: string): Promise<void> {
    this.done.push(act);
    if (act === 'on' || act === 'reset') this.flags = { ...this.flags, valid: this.flags.persistent };
    this.on = act === 'on' || act === 'reset' || (act === 'diag' && this.on);
    this.answer(call, act);
  }

  async bootFlags(): Promise<BootFlags> {
    return this.flags;
  }

  async setBootFlags(_call: LinkCall, flags: BootFlags): Promise<void> {
    this.done.push(`flags ${flags.selector}`);
    this.flags = flags;
  }

  async setBootOption(_call: LinkCall, parameter: number, value: readonly number[]): Promise<void> {
    this.done.push(`option ${parameter} ${value.join(' ')}`);
  }

  async raw(call: LinkCall, request: readonly number[]): Promise<Uint8Array> {
    this.done.push(`raw ${request.join(' ')}`);
    this.answer(call, 'raw');
    return new Uint8Array();
  }

  async resetBmc(_call: LinkCall, kind: string): Promise<void> {
    this.done.push(`bmc ${kind}`);
  }

  private answer(call: LinkCall, act: string): void {
    if (this.lost.delete(act)) throw new IpmiError(SILENT, act, call.target);
  }
}

function bed(fields: Partial<DriverNode> = {}) {
  const link = new PaperLink();
  const bench = new DriverBench({ driver_info: { ipmi_address: '10.0.0.1' }, ...fields });
  const settings = ipmiSection.parse(undefined);
  const management = new IpmiManagement({ link, settings, defaultBootMode: 'uefi' });
  const power = new IpmiPower({ link, management });
  return { link, bench, management, power, vendor: new IpmiVendor(link), context: bench.context() };
}

describe('the plans of power, management and vendor, over another link', () => {
  it('boot once from the network, and then from the disk for good', async () => {
    const { link, management, power, context } = bed();
    await management.setBootDevice(context, 'pxe', false);
    expect(await management.oneTimeDevice(context)).toBe('pxe');
    await power.setPowerState(context, 'power on', 5_000);
    expect(await management.oneTimeDevice(context)).toBeNull();
    await management.setBootDevice(context, 'disk', true);
    await power.setPowerState(context, 'rebooting', 5_000);
    expect(await management.getBootDevice(context)).toEqual({ boot_device: 'disk', persistent: true });
    const kept = 'option 3 8';
    expect(link.done).toEqual([kept, 'flags 1', 'on', kept, 'flags 2', 'off', 'on']);
  });

  it('do not reset twice where the flags show that a start has taken them', async () => {
    const { link, management, power, context } = bed({ disable_power_off: true });
    link.on = true;
    await management.setBootDevice(context, 'cdrom', false);
    link.lost.add('reset');
    await power.setPowerState(context, 'rebooting', 10_000);
    expect(link.done.filter((act) => act === 'reset')).toHaveLength(1);
  });

  it('say of what is never sent twice that it may have been carried out', async () => {
    const { link, management, vendor, context } = bed();
    link.lost.add('diag').add('raw');
    const told =
      /10\.0\.0\.1 did not answer the command; it may have been carried out, and is not sent twice/;
    await expect(management.injectNmi(context)).rejects.toThrow(told);
    const { send_raw } = vendor.methods;
    await expect(send_raw!.run(context, { raw_bytes: '0x00 2 010' }, 'POST')).rejects.toThrow(told);
    expect(link.done).toEqual(['diag', 'raw 0 2 8']); // 010 is octal, as ipmitool reads it
  });

  it.each(['', '0x100', '256', '-1', '08', '1.5', '0x', '0x00 zero'])(
    'refuse raw bytes that are none: %j',
    async (raw_bytes) => {
      const { link, vendor, context } = bed();
      await expect(vendor.methods['send_raw']!.run(context, { raw_bytes }, 'POST')).rejects.toMatchObject({
        code: 'invalid',
      });
      expect(link.done).toEqual([]);
    },
  );
});
