import { describe, expect, it } from 'vitest';
import { AllowedNetworks } from '../../../../../src/api/v1/ramdisk/networks.js';
import { RateLimit } from '../../../../../src/api/v1/ramdisk/rate-limit.js';

describe('RateLimit', () => {
  it('lets a burst and then a steady rate through, each address by itself', () => {
    let now = 0;
    const limit = new RateLimit(60, () => now);
    for (let i = 0; i < 60; i += 1) expect(limit.take('192.0.2.1')).toBe(0);
    expect(limit.take('192.0.2.1')).toBe(1);
    expect(limit.take('192.0.2.2')).toBe(0);
    now += 1000;
    expect(limit.take('192.0.2.1')).toBe(0);
    expect(limit.take('192.0.2.1')).toBe(1);
  });
  it('says how long to wait', () => {
    const limit = new RateLimit(1, () => 0);
    limit.take('a');
    expect(limit.take('a')).toBe(60);
  });
  it('counts a /64 as one', () => {
    const limit = new RateLimit(1, () => 0);
    expect(limit.take('2001:db8:1:2::1')).toBe(0);
    expect(limit.take('2001:db8:1:2:ffff::9')).toBeGreaterThan(0);
    expect(limit.take('2001:db8:1:3::1')).toBe(0);
  });
  it('forgets the oldest of very many addresses', () => {
    const limit = new RateLimit(1, () => 0);
    for (let i = 0; i < 30_000; i += 1) limit.take(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    expect(limit.take('10.0.0.0')).toBe(0);
    expect(limit.take('10.0.117.47')).toBeGreaterThan(0);
  });
});

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
