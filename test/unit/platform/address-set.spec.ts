import { describe, expect, it } from 'vitest';
import { AddressSet } from '../../../src/platform/address-set.js';

describe('AddressSet', () => {
  it('takes CIDRs and addresses', () => {
    const networks = new AddressSet(['192.0.2.0/24', '198.51.100.7', '2001:db8::/32'], 'some.key');
    for (const inside of ['192.0.2.1', '198.51.100.7', '2001:db8::1', '::ffff:192.0.2.9']) {
      expect(networks.has(inside)).toBe(true);
    }
    for (const outside of ['192.0.3.1', '198.51.100.8', '2001:db9::1', 'nonsense']) {
      expect(networks.has(outside)).toBe(false);
    }
    expect(new AddressSet([], 'some.key').has('203.0.113.1')).toBe(false);
  });
  it.each(['192.0.2.0/33', 'host', '192.0.2.0/x', '::/129'])('refuses %s', (text) => {
    expect(() => new AddressSet([text], 'some.key')).toThrow(`some.key: ${text} is not a network`);
  });
});
