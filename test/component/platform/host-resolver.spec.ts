import { expect, it } from 'vitest';
import { resolveHost } from '../../../src/platform/host-resolver.js';
import { startDnsServer } from '../../support/dns-server.js';
import { throwOnce } from '../../support/faults/throw-once.js';

it.each([
  ['at its deadline', ''],
  ['at its deadline, though the timer throws', 'name resolution'],
])('a name server that says nothing is given up %s', async (_, owner) => {
  const { thrown } = throwOnce(owner);
  const dns = await startDnsServer(() => undefined);
  const asked = performance.now();
  const settings = { timeout: 300, servers: [dns.address] };
  await expect(resolveHost('a.lab', settings)).rejects.toMatchObject({ code: 'ECANCELLED' });
  expect(performance.now() - asked).toBeLessThan(2_000);
  expect(thrown()).toBe(owner !== '');
  await dns.close();
});

it('a caller that leaves is let go though the handler of that throws', async () => {
  const { thrown } = throwOnce('name resolution');
  const dns = await startDnsServer(() => undefined);
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 50);
  const settings = { timeout: 60_000, servers: [dns.address] };
  await expect(resolveHost('a.lab', settings, stop.signal)).rejects.toMatchObject({ code: 'ECANCELLED' });
  expect(thrown()).toBe(true);
  await dns.close();
});
