import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ipmiSection } from '../../../src/config/section/ipmi.js';
import type { JsonObject } from '../../../src/domain/json.js';
import { Ipmitool } from '../../../src/driver/ipmi/ipmitool.js';
import { IpmitoolLink } from '../../../src/driver/ipmi/ipmitool-link.js';
import { IpmiManagement } from '../../../src/driver/ipmi/management.js';
import { IpmiPower } from '../../../src/driver/ipmi/power.js';
import { type Command, runCommand } from '../../../src/platform/run-command.js';
import { DriverBench } from '../../support/driver-context.js';
import { IpmiSim } from '../../support/ipmi-sim.js';

let sim: IpmiSim;
let directory: string;
let power: IpmiPower;
let management: IpmiManagement;
const calls: { args: readonly string[]; seconds: number }[] = [];
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ferric-sim-'));
  sim = await IpmiSim.up();
  const settings = ipmiSection.parse({
    min_response_timeout: 1,
    max_response_timeout: 2,
    command_retry_timeout: 8,
  });
  const run = async (command: Command) => {
    const started = performance.now();
    try {
      return await runCommand(command);
    } finally {
      calls.push({ args: command.args, seconds: (performance.now() - started) / 1000 });
    }
  };
  const ipmitool = new Ipmitool({ settings, runtimeDirectory: directory, run });
  const link = new IpmitoolLink(ipmitool);
  management = new IpmiManagement({ link, settings, defaultBootMode: 'bios' });
  power = new IpmiPower({ link, management });
});
afterAll(async () => {
  await sim?.[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

const context = (more: JsonObject = {}) =>
  new DriverBench({
    driver_info: {
      ipmi_address: '127.0.0.1',
      ipmi_port: sim.port,
      ipmi_username: 'admin',
      ipmi_password: 'secret',
      ...more,
    },
  }).context();

describe('a BMC that is not ours (OpenIPMI’s simulator)', () => {
  it('is switched, and asked for its cipher suites until it is known that it does not tell them', async () => {
    calls.length = 0;
    await power.setPowerState(context(), 'power on', 30_000);
    expect(sim.power).toBe('1');
    await power.setPowerState(context(), 'rebooting', 30_000);
    await power.setPowerState(context(), 'power off', 30_000);
    expect(sim.power).toBe('0');
    const asked = calls.filter(({ args }) => !args.includes('-C'));
    expect(asked).toHaveLength(2);
    expect(calls.length).toBeGreaterThan(6);
  });

  it('a wrong password, an unknown user and a suite that it has not are told as what they are', async () => {
    const error = async (more: JsonObject) =>
      power.getPowerState(context(more)).then(
        () => 'done',
        (fault: Error) => fault.message,
      );
    expect(await error({ ipmi_password: 'wrong' })).toMatch(/wrong password/);
    expect(await error({ ipmi_username: 'nobody' })).toMatch(/unknown user/);
    expect(await error({ ipmi_cipher_suite: 17 })).toMatch(/does not support the cipher suite/);
    expect(await error({ ipmi_port: 9 })).toMatch(/the BMC 127\.0\.0\.1 does not answer/);
  });

  it('is spoken to by IPMI 1.5', async () => {
    const old = { ipmi_protocol_version: '1.5' };
    expect(await power.getPowerState(context(old))).toBe('power off');
    await power.setPowerState(context(old), 'power on', 30_000);
    expect(sim.power).toBe('1');
    const wrong: unknown = await power
      .getPowerState(context({ ...old, ipmi_password: 'wrong' }))
      .catch((fault: unknown) => fault);
    expect(String(wrong)).toMatch(/wrong password/);
  });

  it('takes a boot device, and keeps none: what it says of it is believed', async () => {
    await management.setBootDevice(context(), 'pxe', false);
    expect(await management.getBootDevice(context())).toEqual({ boot_device: null, persistent: null });
  });
});
