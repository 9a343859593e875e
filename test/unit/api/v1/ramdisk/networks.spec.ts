import { describe, expect, it } from 'vitest';
import { AllowedNetworks } from '../../../../../src/api/v1/ramdisk/networks.js';

describe('AllowedNetworks', () => {
  it('takes CIDRs and addresses', () => {
    const networks = new AllowedNetworks(['192.0.2.0/24', '198.51.100.7', '2001:db8::/32']);
    for (const inside of ['192.0.2.1', '198.51.100.7', '2001:db8::1', '::ffff:192.0.2.9']) {
      expect(networks.has(inside)).toBe(true);
    }
    for (const outside of ['192.0.3.1', '198.51.100.8', '2001:db9::1', 'nonsense']) {
      expect(networks.has(outside)).toBe(false);
    }
    expect(new AllowedNetworks([]).has('203.0.113.1')).toBe(true);
  });
  it.each(['192.0.2.0/33', 'host', '192.0.2.0/x', '::/129'])('refuses %s', (text) => {
    expect(() => new AllowedNetworks([text])).toThrow('is not a network');
  });
});
