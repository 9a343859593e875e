import { describe, expect, it } from 'vitest';
import { readBmcAddresses } from '../../../../../agent/src/machine/bmc-address.js';

/** As ipmitool 1.8.19 prints it. */
const LAN = `Set in Progress         : Set Complete
IP Address Source       : DHCP Address
IP Address              : 10.9.8.7
Subnet Mask             : 255.255.255.0
MAC Address             : 52:54:00:00:00:01
`;
const NONE = LAN.replace('10.9.8.7', '0.0.0.0');
const SIX = `IPv6 Dynamic Address 0:
    Source/Type:    DHCPv6
    Address:        2001:db8::5/64
    Status:         active
`;

const bmc = (answers: Readonly<Record<string, string>>, missing = 'Invalid channel') =>
  readBmcAddresses(async (file, args) => {
    const stdout = file === 'modprobe' ? '' : answers[args.join(' ')];
    if (stdout === undefined) throw new Error(missing);
    return { exitCode: 0, stdout, stderr: '' };
  });

describe('readBmcAddresses', () => {
  it('takes the first channel with an address', async () => {
    expect(await bmc({ 'lan print 1': NONE, 'lan print 8': LAN })).toEqual({ ipv4: '10.9.8.7', ipv6: null });
    const both = { 'lan print 1': LAN, 'lan6 print 1 dynamic_addr': SIX };
    expect(await bmc(both)).toEqual({ ipv4: '10.9.8.7', ipv6: '2001:db8::5' });
  });
  it('finds none where there is no BMC', async () => {
    expect(await bmc({}, 'Could not open device at /dev/ipmi0')).toEqual({ ipv4: null, ipv6: null });
    expect(await bmc({ 'lan print 1': NONE })).toEqual({ ipv4: null, ipv6: null });
  });
});
