import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ForeignServers } from '../../../../src/netboot/dhcp/foreign-servers.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

it('a server counts for an hour after it was last named', () => {
  const servers = new ForeignServers();
  expect([servers.note('10.0.0.1'), servers.note('10.0.0.1')]).toEqual([true, false]);
  vi.advanceTimersByTime(3_000_000);
  servers.note('10.0.0.1');
  servers.note('10.0.0.2');
  vi.advanceTimersByTime(3_000_000);
  expect(servers.addresses()).toEqual(['10.0.0.1', '10.0.0.2']);
  vi.advanceTimersByTime(700_000);
  expect(servers.addresses()).toEqual([]);
  expect(servers.note('10.0.0.1')).toBe(true);
});

it('invented addresses do not grow the memory, and leave room again', () => {
  const servers = new ForeignServers();
  for (let n = 0; n < 1_000; n++) servers.note(`10.0.${n >> 8}.${n & 255}`);
  expect(servers.addresses()).toHaveLength(16);
  vi.advanceTimersByTime(3_700_000);
  expect(servers.note('10.9.9.9')).toBe(true);
});
