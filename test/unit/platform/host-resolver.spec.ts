import { describe, expect, it } from 'vitest';
import { addressesIn, resolveHost, searchDomains } from '../../../src/platform/host-resolver.js';

describe('host-resolver', () => {
  it('reads hosts(5)', () => {
    const hosts =
      '127.0.0.1 localhost\n# 10.0.0.1 old\n10.0.0.2\timages Images.Lab # mine\n::2 images\nbad images\n';
    expect(addressesIn(hosts, 'images')).toEqual(['10.0.0.2', '::2']);
    expect(addressesIn(hosts, 'images.lab')).toEqual(['10.0.0.2']);
    expect(addressesIn(hosts, 'old')).toEqual([]);
    expect(addressesIn(hosts, '10.0.0.2')).toEqual([]);
  });

  it('reads resolv.conf(5): the last line counts', () => {
    expect(searchDomains('nameserver 10.0.0.1\ndomain a.lab\nsearch b.lab c.lab.\n')).toEqual([
      'b.lab',
      'c.lab',
    ]);
    expect(searchDomains('nameserver 10.0.0.1\nsearch .\n')).toEqual([]);
    expect(searchDomains('')).toEqual([]);
  });

  it('an address is itself, localhost is loopback', async () => {
    expect(await resolveHost('10.0.0.1', { timeout: 1 })).toEqual([{ address: '10.0.0.1', family: 4 }]);
    expect(await resolveHost('fd00::1', { timeout: 1 })).toEqual([{ address: 'fd00::1', family: 6 }]);
    const loopback = await resolveHost('localhost', { timeout: 1 });
    expect(loopback.length).toBeGreaterThan(0);
    for (const { address } of loopback) expect(['127.0.0.1', '::1']).toContain(address);
  });
});
