import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BmcFault } from '../../../lab/bmc/fault.js';
import { ipmiSection } from '../../../src/config/section/ipmi.js';
import { BmcCalls } from '../../../src/driver/ipmi/bmc-calls.js';
import { callOf } from '../../../src/driver/ipmi/link.js';
import { IpmiManagement } from '../../../src/driver/ipmi/management.js';
import { NativeLink } from '../../../src/driver/ipmi/native/native-link.js';
import { BmcSockets } from '../../../src/driver/ipmi/native/sockets.js';
import { IpmiPower } from '../../../src/driver/ipmi/power.js';
import { APP, CHASSIS, NET_FN } from '../../../src/protocol/ipmi/command.js';
import { OPERATOR, Rack } from '../../support/paper-rack.js';

const LOG = { info: () => {}, warn: () => {}, error: () => {} };

function build(extra: object = {}) {
  const settings = ipmiSection.parse({
    command_retry_timeout: 8,
    min_response_timeout: 1,
    max_response_timeout: 1,
    ...extra,
  });
  const sockets = new BmcSockets({ packetsPerSecond: 4_000, log: LOG });
  const link = new NativeLink({ settings, calls: new BmcCalls(settings), sockets });
  const management = new IpmiManagement({ link, settings, defaultBootMode: 'uefi' });
  return { link, sockets, management, power: new IpmiPower({ link, management }) };
}

let driver: ReturnType<typeof build>;
beforeAll(() => {
  driver = build();
});
afterAll(() => driver.link.close());

const told = (error: unknown): string => (error instanceof Error ? error.message : String(error));

describe('the native link and the lab’s BMC', () => {
  it('switches on, off, soft off and reboots in one session, and closes it when idle', async () => {
    await using rack = await Rack.up();
    const context = rack.bench().context();
    expect(await driver.power.getPowerState(context)).toBe('power off');
    await driver.power.setPowerState(context, 'power on', 5_000);
    await driver.power.setPowerState(context, 'rebooting', 5_000);
    await driver.power.setPowerState(context, 'soft power off', 5_000);
    await driver.power.setPowerState(context, 'soft rebooting', 5_000);
    await driver.power.setPowerState(context, 'power off', 5_000);
    expect(rack.machine.done).toEqual(['on', 'off', 'on', 'soft', 'on', 'off']);
    expect(rack.events.filter(({ kind }) => kind === 'login')).toHaveLength(1);
    expect(rack.bmc.sessionCount).toBe(1);
    await expect.poll(() => rack.bmc.sessionCount, { timeout: 15_000 }).toBe(0);
  }, 30_000);

  it('a poll of the daemon’s own leaves no session', async () => {
    await using rack = await Rack.up();
    const bench = rack.bench();
    bench.attended = false;
    for (let i = 0; i < 3; i++) {
      expect(await driver.power.getPowerState(bench.context())).toBe('power off');
      await expect.poll(() => rack.bmc.sessionCount, { timeout: 5_000 }).toBe(0);
    }
  });

  it.each([
    ['pxe', false],
    ['disk', true],
  ] as const)('sets and reads the boot device: %s, persistent %s', async (device, persistent) => {
    await using rack = await Rack.up();
    const context = rack.bench().context();
    await driver.management.setBootDevice(context, device, persistent);
    expect(rack.machine.boot.selection()).toEqual({ device, efi: true, persistent });
    expect(await driver.management.getBootDevice(context)).toEqual({ boot_device: device, persistent });
  });

  it.each([3, 17])('speaks suite %i when driver_info names it', async (suite) => {
    await using rack = await Rack.up();
    expect(await driver.power.getPowerState(rack.bench({ ipmi_cipher_suite: suite }).context())).toBe(
      'power off',
    );
  });

  it.each([
    [{ ipmi_password: 'not-it' }, 'bmc-authentication', /wrong password/],
    [{ ipmi_username: 'nobody' }, 'bmc-authentication', /unknown user/],
    [{ ipmi_username: 'oper', ipmi_password: OPERATOR }, 'bmc-authentication', /privilege level/],
    [{ ipmi_hex_kg_key: '6b67' }, 'bmc-authentication', /wrong Kg key/],
    [{ ipmi_protocol_version: '1.5' }, 'unsupported', /IPMI 1\.5 and bridging need ipmitool/],
    [{ ipmi_address: 'no-such-bmc.invalid' }, 'bmc-unreachable', /could not resolve/],
  ] as const)('%j is told as what it is: %s', async (info, code, text) => {
    await using rack = await Rack.up();
    const own = build({ command_retry_timeout: 1 });
    const error: unknown = await own.power.getPowerState(rack.bench(info).context()).catch((e: unknown) => e);
    expect(error).toMatchObject({ code, message: expect.stringMatching(text) as string });
    await own.link.close();
  });

  it('a wrong password is tried once, and the BMC keeps no half-open session of it', async () => {
    await using rack = await Rack.up();
    const own = build();
    const bench = rack.bench({ ipmi_password: 'not-it' });
    bench.attended = false;
    const read = () => own.power.getPowerState(bench.context()).catch(told);
    expect(await read()).toMatch(/wrong password\.$/);
    for (let i = 0; i < 4; i++) expect(await read()).toMatch(/not tried again until the credentials change/);
    expect(rack.events.filter(({ kind }) => kind === 'login')).toHaveLength(1);
    await expect.poll(() => rack.bmc.sessionCount, { timeout: 3_000 }).toBe(0);
    await own.link.close();
  });

  it('a session that the BMC has lost is renewed once, and what must be sent once is', async () => {
    await using rack = await Rack.up();
    rack.machine.interrupt = async () => void rack.machine.done.push('interrupt');
    const context = rack.bench().context();
    await driver.power.setPowerState(context, 'power on', 5_000);
    rack.bmc.dropSessions();
    await driver.management.injectNmi(context);
    rack.bmc.dropSessions();
    await driver.power.setPowerState(context, 'power off', 5_000);
    expect(rack.machine.done).toEqual(['on', 'interrupt', 'off']);
    expect(rack.given(NET_FN.chassis, CHASSIS.control)).toBe(3);
    expect(rack.events.filter(({ kind }) => kind === 'login')).toHaveLength(3);
  });

  it('other credentials get a session of their own', async () => {
    await using rack = await Rack.up();
    const oper = { ipmi_username: 'oper', ipmi_password: OPERATOR, ipmi_priv_level: 'OPERATOR' };
    await driver.power.getPowerState(rack.bench().context());
    await driver.power.getPowerState(rack.bench(oper).context());
    const users = rack.events.flatMap((event) => (event.kind === 'login' ? [event.user] : []));
    expect(users).toEqual(['admin', 'oper']);
    await expect.poll(() => rack.bmc.sessionCount, { timeout: 3_000 }).toBe(1);
  });

  it('a BMC that once took suite 17 is not followed down to 3', async () => {
    const own = build({ command_retry_timeout: 1 });
    await using rack = await Rack.up();
    await own.power.getPowerState(rack.bench().context());
    rack.bmc.dropSessions();
    rack.bmc.setFaults({ kind: 'suites', only: [3] });
    const again = (info = {}) => own.power.getPowerState(rack.bench(info).context()).catch(told);
    expect(await again()).toMatch(/refuses cipher suite 17, which it accepted before/);
    expect(await again({ ipmi_cipher_suite: 3 })).toBe('power off');
    await using other = await Rack.up({ kind: 'suites', only: [3] });
    expect(await own.power.getPowerState(other.bench().context())).toBe('power off');
    await own.link.close();
  });
});

/** Peers that break rules; each must cost no more than time. */
describe('rude BMCs', () => {
  it.each<[string, readonly BmcFault[]]>([
    ['loses 30 % of the packets in both directions', [{ kind: 'lossy', share: 0.3 }]],
    ['answers each packet twice', [{ kind: 'repeats' }]],
    ['answers late, and so to earlier packets', [{ kind: 'slow', delay: 700 }]],
    ['answers beside forged packets', [{ kind: 'forges' }]],
    ['cuts every second answer short', [{ kind: 'cuts', every: 2 }]],
    ['leaves out every second sequence number', [{ kind: 'skips' }]],
    ['knows no question for IPMI 2.0', [{ kind: 'no-extension' }]],
  ])(
    'one that %s is read and switched',
    async (_, faults) => {
      const own = build({ command_retry_timeout: 60 });
      await using rack = await Rack.up(...faults);
      const context = rack.bench().context();
      await own.power.setPowerState(context, 'power on', 60_000);
      expect(await own.power.getPowerState(context)).toBe('power on');
      expect(rack.machine.done.filter((act, i, all) => act !== all[i - 1])).toEqual(['on']);
      await own.link.close();
    },
    120_000,
  );

  it('a table of two sessions is enough, at 30 % loss and for two users', async () => {
    await using rack = await Rack.with({ maxSessions: 2 }, { kind: 'lossy', share: 0.3 });
    const own = build({ command_retry_timeout: 60 });
    const bench = rack.bench();
    bench.attended = false;
    for (let i = 0; i < 4; i++) expect(await own.power.getPowerState(bench.context())).toBe('power off');
    await own.link.close();
  }, 120_000);

  it('no free session is told as busy, and waited for', async () => {
    await using rack = await Rack.with({ maxSessions: 1 });
    const holder = build();
    await holder.power.getPowerState(rack.bench().context());
    const own = build({ command_retry_timeout: 1 });
    expect(await own.power.getPowerState(rack.bench().context()).catch(told)).toMatch(/no free session/);
    const patient = build({ command_retry_timeout: 20 });
    const reading = patient.power.getPowerState(rack.bench().context());
    await holder.link.close();
    expect(await reading).toBe('power off');
    await own.link.close();
    await patient.link.close();
  });

  it('a silent BMC costs its time only, a wrong code nothing but the packet', async () => {
    const own = build({ command_retry_timeout: 1 });
    await using dead = await Rack.up({ kind: 'dead' });
    const bench = dead.bench();
    expect(await own.power.getPowerState(bench.context()).catch(told)).toMatch(/does not answer\.$/);
    await using liar = await Rack.up({ kind: 'wrong-code' });
    const error = await own.power.getPowerState(liar.bench().context()).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'bmc-unreachable' });
    expect(own.sockets.traffic.counts.malformed).toBeGreaterThan(2);
    await own.link.close();
  });

  it('an endlessly busy BMC ends with the caller’s window, and is given rests', async () => {
    const own = build({ command_retry_timeout: 4 });
    await using rack = await Rack.up({
      kind: 'refuses',
      code: 0xc0,
      commands: [{ netFn: NET_FN.chassis, command: CHASSIS.getStatus }],
    });
    const started = performance.now();
    expect(await own.power.getPowerState(rack.bench().context()).catch(told)).toMatch(/the BMC is busy/);
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(rack.given(NET_FN.chassis, CHASSIS.getStatus)).toBeLessThanOrEqual(5);
    expect(rack.events.filter(({ kind }) => kind === 'login')).toHaveLength(1);
    await own.link.close();
  });

  it('packets of others are dropped and counted', async () => {
    const own = build();
    await using rack = await Rack.up({ kind: 'from-elsewhere' });
    const call = { ...callOf(rack.bench().context()), within: 0 };
    expect(await own.link.chassisPower(call).catch(told)).toMatch(/does not answer/);
    expect(own.sockets.traffic.counts).toMatchObject({ answer: 0, malformed: 0 });
    expect(own.sockets.traffic.counts.unasked).toBeGreaterThan(0);
    await own.link.close();
  });

  it('a cold reset of the BMC is sent once', async () => {
    await using rack = await Rack.with({ restartTime: 2_000 });
    await driver.link.resetBmc(callOf(rack.bench().context()), 'cold');
    expect(rack.given(NET_FN.app, APP.coldReset)).toBe(1);
  });
});
