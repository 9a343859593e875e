import { describe, expect, it } from 'vitest';
import { PerSource, Places, sourceOf } from '../../../../src/domain/network/source.js';

describe('sourceOf', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2:0:0:0:9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    // The two colons stand for one group here, and the fourth group is behind them.
    ['2001:db8::7:0:0:1:1', '2001:db8:0:7::/64'],
    ['1::7:0:0:0:1', '1:0:0:7::/64'],
    ['::1', '0:0:0:0::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64%eth0'],
    ['', ''],
    ['no address', 'no address'],
  ])('%s counts as %s', (address, source) => {
    expect(sourceOf(address)).toBe(source);
  });

  it('tells networks and links apart', () => {
    expect(sourceOf('2001:db8:1:2::1')).not.toBe(sourceOf('2001:db8:1:3::1'));
    expect(sourceOf('fe80::1%eth0')).not.toBe(sourceOf('fe80::1%eth1'));
  });
});

describe('PerSource', () => {
  it('counts what a source holds under whichever of its addresses, and forgets what it gave back', () => {
    const held = new PerSource();
    held.add('2001:db8::1');
    held.add('2001:db8::2', 4);
    expect([held.of('2001:db8::3'), held.of('2001:db8:0:1::1')]).toEqual([5, 0]);
    held.giveBack('2001:db8::9', 4);
    expect(held.of('2001:db8::1')).toBe(1);
    held.giveBack('2001:db8::1');
    held.giveBack('2001:db8::1');
    expect(held.of('2001:db8::1')).toBe(0);
    held.add('::ffff:192.0.2.1');
    expect(held.of('192.0.2.1')).toBe(1);
  });
});

describe('Places', () => {
  it('are limited for a source though others are free, and for all though the source has some', () => {
    const places = new Places({ total: 5, perSource: 3 });
    expect(places.take('192.0.2.1', 3)).toBe(true);
    expect(places.take('192.0.2.1')).toBe(false);
    expect(places.take('::ffff:192.0.2.1')).toBe(false);
    expect(places.take('192.0.2.2', 3)).toBe(false);
    expect(places.take('192.0.2.2', 2)).toBe(true);
    expect(places.take('192.0.2.3')).toBe(false);
  });

  it('are free again when they are given back, and only those', () => {
    const places = new Places({ total: 4, perSource: 2 });
    expect([1, 2, 3].map(() => places.take('192.0.2.1'))).toEqual([true, true, false]);
    expect(places.take('192.0.2.2', 2)).toBe(true);
    places.giveBack('192.0.2.1');
    expect(places.take('192.0.2.3', 2)).toBe(false);
    expect([1, 2].map(() => places.take('192.0.2.1'))).toEqual([true, false]);
  });
});
