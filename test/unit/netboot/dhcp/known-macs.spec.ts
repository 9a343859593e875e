import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KnownMacs } from '../../../../src/netboot/dhcp/known-macs.js';
import { throwOnce } from '../../../support/faults/throw-once.js';

let addresses: string[];
let looks: number;
let events: string[];
let known: KnownMacs<string>;
let broken: boolean;

beforeEach(async () => {
  vi.useFakeTimers();
  addresses = ['aa'];
  looks = 0;
  events = [];
  broken = false;
  known = new KnownMacs<string>(
    {
      addresses: async () => {
        looks++;
        if (broken) throw new Error('away');
        return addresses;
      },
    },
    {
      arrived: (packet) => events.push(`arrived ${packet}`),
      stranger: (mac) => events.push(`stranger ${mac}`),
      failed: () => events.push('failed'),
    },
  );
  await known.load();
});
afterEach(() => {
  known.stop();
  vi.useRealTimers();
});

describe('known MAC addresses', () => {
  it('are told without a look', () => {
    expect(known.has('aa')).toBe(true);
    expect(known.has('bb')).toBe(false);
    expect(looks).toBe(1);
  });

  it('a port that came since is found, and its packet comes back', async () => {
    addresses = ['aa', 'bb'];
    known.wait('bb', 'packet');
    known.wait('cc', 'other');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(events).toEqual(['arrived packet', 'stranger cc']);
    expect(known.has('bb')).toBe(true);
  });

  it('a hundred thousand strangers cost one look a second and a bounded memory', async () => {
    for (let second = 0; second < 5; second++) {
      for (let i = 0; i < 20_000; i++) known.wait(`x${second}-${i}`, 'packet');
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(looks).toBeLessThanOrEqual(6);
    expect(events.length).toBe(5 * 256);
  });

  it('a port that went is a stranger after the next look', async () => {
    addresses = [];
    known.wait('zz', 'packet');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(known.has('aa')).toBe(false);
  });

  it('stay while the database is away', async () => {
    broken = true;
    known.wait('bb', 'packet');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(events).toEqual(['failed', 'stranger bb']);
    expect(known.has('aa')).toBe(true);
    broken = false;
    addresses = ['aa', 'bb'];
    known.wait('bb', 'packet');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(events.at(-1)).toBe('arrived packet');
  });
  it('a look that throws is not the last one', async () => {
    const { thrown } = throwOnce('DHCP: look at the ports');
    addresses = ['aa', 'bb'];
    known.wait('bb', 'packet');
    await vi.advanceTimersByTimeAsync(1_000);
    expect([thrown(), events]).toEqual([true, []]);
    known.wait('bb', 'packet');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(events).toEqual(['arrived packet']);
  });
});
