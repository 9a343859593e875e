import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Doors } from '../../../src/netboot/tftp/doors.js';
import { HeldPorts } from '../../../src/platform/held-ports.js';
import { throwOnce } from '../../support/faults/throw-once.js';

/** Addresses that this host seems to have; all of 127.0.0.0/8 can be bound. */
function seemToHave(...addresses: string[]): void {
  const own = addresses.map((address) => ({ address, family: 'IPv4' }));
  vi.spyOn(os, 'networkInterfaces').mockReturnValue({ lo: own } as never);
  syncBuiltinESMExports();
}

it('an address that is new is listened to, at the next look where the first one throws', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const opened: string[] = [];
  const doors = new Doors(({ address }) => void opened.push(address), { error: expect.fail });
  onTestFinished(() => {
    doors.close();
    vi.useRealTimers();
    vi.mocked(os.networkInterfaces).mockRestore();
    syncBuiltinESMExports();
  });
  const { thrown } = throwOnce('TFTP: own addresses');
  seemToHave('127.0.0.1');
  await doors.open('0.0.0.0', 0, new HeldPorts());
  seemToHave('127.0.0.1', '127.0.0.2');
  vi.advanceTimersByTime(5_000);
  expect(thrown()).toBe(true);
  expect(opened).toEqual(['127.0.0.1']);
  vi.advanceTimersByTime(5_000);
  await vi.waitFor(() => expect(opened).toEqual(['127.0.0.1', '127.0.0.2']));
});
