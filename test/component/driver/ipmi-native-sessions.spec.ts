import { Socket } from 'node:dgram';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ipmiSection } from '../../../src/config/section/ipmi.js';
import { CancelledError } from '../../../src/domain/errors.js';
import { BmcCalls } from '../../../src/driver/ipmi/bmc-calls.js';
import { callOf, type LinkCall } from '../../../src/driver/ipmi/link.js';
import { NativeLink } from '../../../src/driver/ipmi/native/native-link.js';
import { BmcSockets } from '../../../src/driver/ipmi/native/sockets.js';
import { APP, CHASSIS, NET_FN } from '../../../src/protocol/ipmi/command.js';
import { throwOnce } from '../../support/faults/throw-once.js';
import { Rack } from '../../support/paper-rack.js';

const LOG = { info: () => {}, warn: () => {}, error: () => {} };

let link: NativeLink;
beforeAll(() => {
  const settings = ipmiSection.parse({ command_retry_timeout: 1, min_response_timeout: 1 });
  const sockets = new BmcSockets({ packetsPerSecond: 4_000, log: LOG });
  link = new NativeLink({ settings, calls: new BmcCalls(settings), sockets });
});
afterAll(() => link.close());

const callTo = (rack: Rack, more: Partial<LinkCall> = {}): LinkCall => ({
  ...callOf(rack.bench().context()),
  ...more,
});
const empty = (rack: Rack) => expect.poll(() => rack.bmc.sessionCount, { timeout: 4_000 }).toBe(0);
const STATUS = { netFn: NET_FN.chassis, command: CHASSIS.getStatus };
const PRIVILEGE = { netFn: NET_FN.app, command: APP.setSessionPrivilege };

describe('a session that is not kept is ended at the BMC', () => {
  it.each([
    ['the command', STATUS],
    ['the privilege level', PRIVILEGE],
  ])('when the caller leaves while it waits for %s', async (_, command) => {
    await using rack = await Rack.up({ kind: 'mute', commands: [command] });
    const cancel = new AbortController();
    const reading = link.chassisPower(callTo(rack, { signal: cancel.signal })).catch((e: unknown) => e);
    await expect.poll(() => rack.events.some(({ kind }) => kind === 'dropped')).toBe(true);
    expect(rack.bmc.sessionCount).toBe(1);
    cancel.abort();
    expect(await reading).toBeInstanceOf(CancelledError);
    await empty(rack);
  });

  it('when the caller leaves while it waits for RAKP 4', async () => {
    // From the BMC: capabilities, Open Session, RAKP 2, and RAKP 4, which is lost.
    await using rack = await Rack.up({ kind: 'loses', way: 'from', packet: 4 }, { kind: 'slow', delay: 150 });
    const cancel = new AbortController();
    const reading = link.chassisPower(callTo(rack, { signal: cancel.signal })).catch((e: unknown) => e);
    await expect.poll(() => rack.bmc.faults.packets.to, { interval: 5 }).toBe(4);
    cancel.abort();
    expect(await reading).toBeInstanceOf(CancelledError);
    expect(rack.events.filter(({ kind }) => kind === 'login')).toHaveLength(1);
    await empty(rack);
  });

  it.each([
    ['a command', STATUS, {}],
    ['the question before a command that is sent once', PRIVILEGE, { once: true } as const],
  ])('when a kept one does not answer %s, before another takes its place', async (_, command, more) => {
    await using rack = await Rack.with({ maxSessions: 1 });
    await link.chassisPower(callTo(rack));
    rack.bmc.setFaults({ kind: 'mute', commands: [command] });
    await expect(link.chassisPower(callTo(rack, more))).rejects.toThrow('answer');
    expect(rack.events.filter(({ kind }) => kind === 'login')).toHaveLength(2);
    await empty(rack);
  });

  it('when the BMC refuses to be reset', async () => {
    await using rack = await Rack.up(); // it has no reset
    const call = callTo(rack, { attended: false });
    await expect(link.resetBmc(call, 'cold')).rejects.toThrow('does not support the command');
    await empty(rack);
  });
});

describe('a password that the BMC refuses by RAKP 4', () => {
  it.each([
    ['slow BMC', 1, 1],
    ['BMC that loses a packet of each login', 2, 3],
  ])(
    'a %s: it is logged in to a few times, and never again',
    async (_, heard, logins) => {
      const settings = ipmiSection.parse({ command_retry_timeout: 20, min_response_timeout: 3 });
      const sockets = new BmcSockets({ packetsPerSecond: 4_000, log: LOG });
      const own = new NativeLink({ settings, calls: new BmcCalls(settings), sockets });
      await using rack = await Rack.up(
        { kind: 'refuses-proof', heard },
        { kind: 'slow', delay: heard === 1 ? 600 : 0 },
      );
      const read = () => own.chassisPower(callTo(rack, { attended: false }));
      await expect(read()).rejects.toThrow(/wrong password\.$/);
      await expect(read()).rejects.toThrow('not tried again until the credentials change');
      expect(rack.events.filter(({ kind }) => kind === 'login')).toHaveLength(logins);
      await own.close();
    },
    40_000,
  );
});

describe('a handler that throws', () => {
  /** A link whose handlers are wrapped from now on. */
  const ownLink = () => {
    const settings = ipmiSection.parse({ command_retry_timeout: 3, min_response_timeout: 1 });
    const sockets = new BmcSockets({ packetsPerSecond: 4_000, log: LOG });
    return new NativeLink({ settings, calls: new BmcCalls(settings), sockets });
  };

  it('when the caller leaves lets the caller go, ends the session, and serves the next', async () => {
    await using rack = await Rack.up({ kind: 'mute', commands: [STATUS] });
    const own = ownLink();
    const { thrown } = throwOnce('ipmi: cancelled');
    const cancel = new AbortController();
    const reading = own.chassisPower(callTo(rack, { signal: cancel.signal })).catch((e: unknown) => e);
    await expect.poll(() => rack.events.some(({ kind }) => kind === 'dropped')).toBe(true);
    cancel.abort();
    expect(await reading).toBeInstanceOf(CancelledError);
    expect(thrown()).toBe(true);
    await empty(rack);
    rack.bmc.setFaults();
    expect(await own.chassisPower(callTo(rack))).toBe('power off');
    await own.close();
  });

  it.each(['ipmi: farewell', 'ipmi: session end'])(
    'at the “%s” leaves no session open, and the next command and the stop are served',
    async (owner) => {
      await using rack = await Rack.up();
      const own = ownLink();
      const { thrown } = throwOnce(owner);
      const calls = [callTo(rack, { attended: false }), callTo(rack)];
      for (const call of calls) expect(await own.chassisPower(call)).toBe('power off');
      const stopping = performance.now();
      await own.close();
      expect(performance.now() - stopping).toBeLessThan(1_500);
      await empty(rack);
      expect(thrown()).toBe(true);
    },
  );

  it('at the end of a session’s idle time still ends the session', async () => {
    await using rack = await Rack.up();
    const own = ownLink();
    const { thrown } = throwOnce('ipmi: idle session');
    await own.chassisPower(callTo(rack));
    expect(rack.bmc.sessionCount).toBe(1);
    await expect.poll(thrown, { timeout: 15_000 }).toBe(true);
    await empty(rack);
    await own.close();
  });

  it('at an error of a socket still replaces the socket', async () => {
    await using rack = await Rack.up();
    const binds = vi.spyOn(Socket.prototype, 'bind');
    const own = ownLink();
    const { thrown } = throwOnce('ipmi: socket');
    await own.chassisPower(callTo(rack, { attended: false }));
    const [broken] = binds.mock.contexts as Socket[];
    broken!.emit('error', new Error('EBADF'));
    expect(thrown()).toBe(true);
    expect(() => broken!.address()).toThrow('Not running');
    expect(await own.chassisPower(callTo(rack, { attended: false }))).toBe('power off');
    expect(new Set(binds.mock.contexts).size).toBe(2);
    binds.mockRestore();
    await own.close();
  });
});
