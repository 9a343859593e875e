import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ipmiSection } from '../../../src/config/section/ipmi.js';
import type { JsonObject } from '../../../src/domain/json.js';
import { IpmiManagement } from '../../../src/driver/ipmi/management.js';
import { IpmiPower } from '../../../src/driver/ipmi/power.js';
import { DriverBench } from '../../support/driver-context.js';
import { testLink } from '../../support/ipmi-link.js';
import { IpmiSim } from '../../support/ipmi-sim.js';
import { PyghmiBmc } from '../../support/pyghmi-bmc.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ferric-ipmi-peers-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const PEERS = {
  'OpenIPMI’s simulator': () => IpmiSim.up(),
  'pyghmi’s BMC': () => PyghmiBmc.up(),
};

/** The native link alone: no ipmitool can help. */
function build() {
  const settings = ipmiSection.parse({
    link: 'native',
    min_response_timeout: 1,
    max_response_timeout: 2,
    command_retry_timeout: 8,
  });
  const link = testLink(settings, directory);
  const management = new IpmiManagement({ link, settings, defaultBootMode: 'bios' });
  return { link, management, power: new IpmiPower({ link, management }) };
}

describe.each(Object.entries(PEERS))('the native link and %s', (name, start) => {
  let peer: Awaited<ReturnType<typeof start>>;
  let driver: ReturnType<typeof build>;
  beforeAll(async () => {
    peer = await start();
    driver = build();
  });
  afterAll(async () => {
    await driver.link.stop();
    await peer[Symbol.asyncDispose]();
  });
  const context = (more: JsonObject = {}) =>
    new DriverBench({
      driver_info: {
        ipmi_address: '127.0.0.1',
        ipmi_port: peer.port,
        ipmi_username: 'admin',
        ipmi_password: 'secret',
        ipmi_disable_boot_timeout: false,
        ...more,
      },
    }).context();

  it('switches it, and reads what it did', async () => {
    expect(await driver.power.getPowerState(context())).toBe('power off');
    await driver.power.setPowerState(context(), 'power on', 20_000);
    expect(await driver.power.getPowerState(context())).toBe('power on');
    await driver.power.setPowerState(context(), 'rebooting', 20_000);
    await driver.power.setPowerState(context(), 'power off', 20_000);
    if (peer instanceof IpmiSim) expect(peer.power).toBe('0');
    else
      await expect
        .poll(() => peer instanceof PyghmiBmc && peer.done)
        .toEqual(['power on', 'power off', 'power on', 'power off']);
  });

  it('sets its boot device', async () => {
    await driver.management.setBootDevice(context(), 'pxe', false);
    if (peer instanceof PyghmiBmc) {
      const { done } = peer;
      await expect.poll(() => done.at(-1)).toBe('boot network');
    }
  });

  it('tells a wrong password, an unknown user and a suite that it has not', async () => {
    const error = (more: JsonObject) =>
      driver.power.getPowerState(context(more)).then(
        () => 'done',
        (fault: Error) => fault.message,
      );
    expect(await error({ ipmi_password: 'wrong' })).toMatch(/wrong password/);
    expect(await error({ ipmi_cipher_suite: 17 })).toMatch(/does not support the cipher suite/);
    if (name !== 'pyghmi’s BMC') expect(await error({ ipmi_username: 'nobody' })).toMatch(/unknown user/);
    expect(await driver.power.getPowerState(context())).toBe('power off');
  });
});
