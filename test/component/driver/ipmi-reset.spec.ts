import { describe, expect, it } from 'vitest';
import { FAULTS } from '../../../src/driver/ipmi/faults.js';
import { type BmcLink, IpmiError, type LinkCall } from '../../../src/driver/ipmi/link.js';
import { IpmiVendor } from '../../../src/driver/ipmi/vendor.js';
import { DriverBench } from '../../support/driver-context.js';

/** A cold reset whose looks afterwards are silent or not, in this order; the last goes on. */
async function reset(...silences: boolean[]): Promise<string> {
  const link = {
    resetBmc: async () => undefined,
    chassisPower: async (call: LinkCall) => {
      const silent = silences.length > 1 ? silences.shift() : silences[0];
      if (silent) throw new IpmiError(FAULTS.absent, 'power status', call.target);
      return 'power on';
    },
  } as unknown as BmcLink;
  const context = new DriverBench({ driver_info: { ipmi_address: '10.0.0.1' } }).context();
  const method = new IpmiVendor(link).methods['bmc_reset']!;
  return method.run(context, { warm: false }, 'POST').then(
    () => 'done',
    (error: Error) => error.message,
  );
}

describe.concurrent('a cold reset, to which no BMC answers', () => {
  it('is done when the BMC is silent twice', async () => {
    expect(await reset(false, false, true)).toBe('done');
  });

  it('is not taken for done after one silence: a look may lose a packet too', async () => {
    expect(await reset(false, true, false)).toMatch(/still answers after 15 s.* not sent twice/);
  });
});
