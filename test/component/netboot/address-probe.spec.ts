import { expect, it } from 'vitest';
import { AddressProbe } from '../../../src/netboot/dhcp/address-probe.js';
import { throwOnce } from '../../support/faults/throw-once.js';

it.each([
  ['', 0],
  [', though the handler that asks throws', 1],
  [', though the handler of the answer throws', 2],
])('an address whose host refuses the probe is in use%s', async (_, call) => {
  const { thrown } = throwOnce('DHCP: probe', call);
  const probe = new AddressProbe('lo', 1_000);
  // Nobody listens on its port 9, and the loopback interface has no neighbours.
  expect(await probe.userOf('127.0.0.1', '02:00:00:00:00:01')).toBe('ICMP');
  expect(thrown()).toBe(true);
});
