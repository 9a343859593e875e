import { describe, expect, it } from 'vitest';
import { RateLimit } from '../../../src/platform/rate-limit.js';

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
  it('gives back what did not count', () => {
    const limit = new RateLimit(1, () => 0);
    expect(limit.take('a')).toBe(0);
    limit.giveBack('a');
    expect(limit.take('a')).toBe(0);
    expect(limit.take('a')).toBe(60);
  });
  it('counts by address and by what it is for', () => {
    const limit = new RateLimit(1, () => 0);
    expect(limit.take('a', 'one')).toBe(0);
    expect(limit.take('a', 'two')).toBe(0);
    expect(limit.take('a', 'one')).toBe(60);
    expect(limit.take('2001:db8::1', 'one')).toBe(0);
    expect(limit.take('2001:db8::2', 'two')).toBe(0);
    expect(limit.take('2001:db8::3', 'two')).toBe(60);
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
  it('counts IPv4 clients of an IPv6 listener each by itself', () => {
    const limit = new RateLimit(1, () => 0);
    expect(limit.take('::ffff:192.0.2.1')).toBe(0);
    expect(limit.take('::ffff:192.0.2.2')).toBe(0);
    expect(limit.take('192.0.2.1')).toBeGreaterThan(0);
  });
  it('forgets the oldest of very many addresses', () => {
    const limit = new RateLimit(1, () => 0);
    for (let i = 0; i < 30_000; i += 1) limit.take(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    expect(limit.take('10.0.0.0')).toBe(0);
    expect(limit.take('10.0.117.47')).toBeGreaterThan(0);
  });
});
