import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { RedfishFault } from '../../../lab/bmc/redfish/fault.js';
import { PERSONALITIES, type PersonalityName } from '../../../lab/bmc/redfish/personality.js';
import { RedfishDriver, redfishBench } from '../../support/redfish-driver.js';
import { RedfishRack } from '../../support/redfish-rack.js';

const RESET = 'ComputerSystem.Reset';
const names = Object.keys(PERSONALITIES) as PersonalityName[];

describe.each(names)('hardware type redfish at a BMC like %s', (personality) => {
  it('switches on, off and over, and sends each reset once', async () => {
    await using rack = await RedfishRack.up({ personality });
    await using driver = new RedfishDriver();
    const context = redfishBench(rack).context();
    expect(await driver.power.getPowerState(context)).toBe('power off');
    await driver.power.setPowerState(context, 'power on', 10_000);
    await driver.power.setPowerState(context, 'power on', 10_000); // it is so already
    expect(await driver.power.getPowerState(context)).toBe('power on');
    await driver.power.setPowerState(context, 'rebooting', 10_000);
    await driver.power.setPowerState(context, 'soft power off', 10_000);
    expect(rack.machine.done).toEqual(['on', 'off', 'on', 'soft']);
  });

  it('starts once from what is asked for', async () => {
    await using rack = await RedfishRack.up({ personality });
    await using driver = new RedfishDriver();
    const bench = redfishBench(rack);
    const context = bench.context();
    await driver.management.setBootDevice(context, 'pxe', false);
    expect(await driver.management.getBootDevice(context)).toEqual({ boot_device: 'pxe', persistent: false });
    await driver.power.setPowerState(context, 'power on', 10_000);
    await driver.power.setPowerState(context, 'power off', 10_000);
    await driver.power.setPowerState(context, 'power on', 10_000);
    expect(rack.machine.starts.map((start) => start?.device ?? null)).toEqual(['pxe', null]);
  });

  it('starts each time from what is to persist', async () => {
    await using rack = await RedfishRack.up({ personality });
    await using driver = new RedfishDriver();
    const context = redfishBench(rack).context();
    await driver.management.setBootDevice(context, 'disk', true);
    expect(await driver.management.getBootDevice(context)).toEqual({ boot_device: 'disk', persistent: true });
    for (let start = 0; start < 2; start++) {
      await driver.power.setPowerState(context, 'power on', 10_000);
      await driver.power.setPowerState(context, 'power off', 10_000);
    }
    await driver.management.setBootDevice(context, 'pxe', false);
    await driver.power.setPowerState(context, 'power on', 10_000);
    await driver.power.setPowerState(context, 'power off', 10_000);
    await driver.power.setPowerState(context, 'power on', 10_000);
    const devices = rack.machine.starts.map((start) => start?.device ?? null);
    expect(devices.slice(0, 3)).toEqual(['disk', 'disk', 'pxe']);
  });
});

describe('UEFI HTTP boot without a URL: DHCP gives it', () => {
  it.each<[PersonalityName]>([['standard'], ['dell'], ['supermicro'], ['openbmc'], ['ami']])(
    'is set at %s, and takes away a URL that was left',
    async (personality) => {
      await using rack = await RedfishRack.up({ personality });
      await using driver = new RedfishDriver();
      const context = redfishBench(rack).context();
      if (!rack.bmc.quirks.noHttpBootUri) {
        await driver.management.setBootDevice(context, 'uefihttp', false, 'http://192.0.2.1/left.iso');
      }
      // Without those of which the BMC refused the form of If-Match.
      const accepted = () =>
        rack.bmc.events.filter(
          (event) => event.kind === 'request' && event.method === 'PATCH' && event.status < 400,
        ).length;
      const before = accepted();
      await driver.management.setBootDevice(context, 'uefihttp', false);
      expect(accepted() - before).toBe(1);
      await driver.power.setPowerState(context, 'power on', 10_000);
      expect(rack.machine.starts).toEqual([{ device: 'http', efi: true, persistent: false }]);
    },
  );
});

describe('the health of a machine', () => {
  it.each(['OK', 'Warning', 'Critical', null] as const)(
    '%s comes with its power by one request',
    async (is) => {
      await using rack = await RedfishRack.up();
      await using driver = new RedfishDriver();
      const context = redfishBench(rack).context();
      await driver.power.getPowerState(context);
      if (is !== 'OK') rack.bmc.setFaults({ kind: 'health', is });
      const before = rack.bmc.count('GET', '/');
      expect(await driver.power.look(context)).toEqual({ power: 'power off', health: is });
      expect(rack.bmc.count('GET', '/')).toBe(before + 1);
    },
  );
});

describe('what a BMC does not have', () => {
  it.each<[PersonalityName]>([['dell'], ['hpe']])(
    'UEFI HTTP boot from a URL is refused at %s, and nothing is changed',
    async (personality) => {
      await using rack = await RedfishRack.up({ personality });
      await using driver = new RedfishDriver();
      const url = 'http://192.0.2.1/boot.iso';
      const work = driver.management.setBootDevice(redfishBench(rack).context(), 'uefihttp', false, url);
      await expect(work).rejects.toMatchObject({ code: 'unsupported' });
      expect(rack.bmc.events.filter(({ kind }) => kind === 'boot')).toEqual([]);
    },
  );

  it('Secure Boot without its licence is unknown, in the BMC’s words', async () => {
    await using rack = await RedfishRack.up({
      personality: 'supermicro',
      quirks: { secureBootUnlicensed: true },
    });
    await using driver = new RedfishDriver();
    const work = driver.management.firmwareBoot.getSecureBoot(redfishBench(rack).context());
    await expect(work).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/does not offer Secure Boot: .*A licence that this needs/) as string,
    });
  });
});

describe('a BMC that is wrong, or away', () => {
  const up = (...faults: RedfishFault[]) => RedfishRack.up({}, ...faults);
  const logins = (rack: RedfishRack) => rack.bmc.count('POST', '/SessionService/Sessions');

  it('is told a wrong password once, and then left alone until somebody asks or it changes', async () => {
    await using rack = await up({ kind: 'locks-accounts', after: 3 });
    await using driver = new RedfishDriver();
    const bench = redfishBench(rack, { redfish_password: 'wrong' });
    bench.attended = false;
    for (let look = 0; look < 5; look++) {
      await expect(driver.power.getPowerState(bench.context())).rejects.toMatchObject({
        code: 'bmc-authentication',
      });
    }
    expect(logins(rack)).toBe(1);
    expect(rack.bmc.events.filter((event) => event.kind === 'request' && event.status === 401)).toHaveLength(
      1,
    );
    const right = redfishBench(rack);
    right.attended = false;
    expect(await driver.power.getPowerState(right.context())).toBe('power off');
  });

  it('has one session, which is renewed once when it is forgotten, and ended at the stop', async () => {
    await using rack = await up();
    const driver = new RedfishDriver();
    const context = redfishBench(rack).context();
    await driver.power.getPowerState(context);
    await driver.power.getPowerState(context);
    expect(logins(rack)).toBe(1);
    rack.bmc.accounts.dropSessions();
    expect(await driver.power.getPowerState(context)).toBe('power off');
    expect(logins(rack)).toBe(2);
    await driver.client.stop();
    expect(rack.bmc.count('DELETE', '/SessionService/Sessions/')).toBe(1);
  });

  it('without a session left is spoken to by basic authentication', async () => {
    await using rack = await up({ kind: 'session-limit', limit: 0 });
    await using driver = new RedfishDriver();
    expect(await driver.power.getPowerState(redfishBench(rack).context())).toBe('power off');
  });

  it('whose certificate is not trusted gets no login, and the error says how to trust it', async () => {
    await using rack = await up();
    await using driver = new RedfishDriver();
    const error = await driver.power
      .getPowerState(redfishBench(rack, { redfish_pin_certificate: false }).context())
      .catch((thrown: unknown) => thrown as Error);
    expect(String(error)).toMatch(
      /certificate is not trusted.*redfish_verify_ca.*redfish_pin_certificate.*[0-9a-f]{64}/,
    );
    expect(rack.bmc.events.filter(({ kind }) => kind === 'request')).toEqual([]);
    const open = redfishBench(rack, { redfish_pin_certificate: false, redfish_verify_ca: false });
    expect(await driver.power.getPowerState(open.context())).toBe('power off');
  });

  it('whose certificate changed gets no login', async () => {
    await using rack = await up();
    await using driver = new RedfishDriver();
    const context = redfishBench(rack).context();
    await driver.power.getPowerState(context);
    rack.bmc.changeCertificate();
    const before = rack.bmc.events.length;
    // Twice: a session of the refused connection must not be taken up.
    for (let look = 0; look < 2; look++) {
      await expect(driver.power.getPowerState(context)).rejects.toThrow(
        /another certificate than the pinned one/,
      );
    }
    expect(rack.bmc.events.length).toBe(before);
  });

  it('loses the answer to a reset that it carried out: it is not sent twice', async () => {
    await using rack = await up({ kind: 'lost-answer', times: 1, of: { path: RESET } });
    await using driver = new RedfishDriver();
    await driver.power.setPowerState(redfishBench(rack).context(), 'power on', 10_000);
    expect(rack.machine.done).toEqual(['on']);
    expect(rack.bmc.count('POST', RESET)).toBe(1);
  });

  it('loses the answer to a restart of a machine that must not lose power: told, and not sent twice', async () => {
    await using rack = await up();
    await using driver = new RedfishDriver();
    const context = redfishBench(rack, {}, { disable_power_off: true }).context();
    await driver.power.setPowerState(context, 'power on', 10_000);
    rack.bmc.setFaults({ kind: 'lost-answer', times: 1, of: { path: RESET } });
    await expect(driver.power.setPowerState(context, 'rebooting', 10_000)).rejects.toThrow(
      /not restarted twice/,
    );
    expect(rack.machine.done).toEqual(['on', 'reset']);
  });

  it('ignores resets: the error says what it shows', async () => {
    await using rack = await up({ kind: 'lying', control: 'ignores' });
    await using driver = new RedfishDriver();
    await expect(driver.power.setPowerState(redfishBench(rack).context(), 'power on', 2_000)).rejects.toThrow(
      /did not reach power on within 2 s; its BMC says Off/,
    );
  });

  it.each<[string, RedfishFault, RegExp]>([
    [
      'a fault',
      { kind: 'status', status: 500, of: { path: '/Systems' } },
      /internal fault \(500\): The service answers 500/,
    ],
    ['junk', { kind: 'junk', bytes: 1024 ** 2, of: { path: '/Systems' } }, /no Redfish resource/],
    ['endless junk', { kind: 'junk', bytes: 9 * 1024 ** 2, of: { path: '/Systems' } }, /larger than 8 MiB/],
    [
      'a redirect to elsewhere',
      { kind: 'redirect', to: 'https://192.0.2.1/redfish/v1' },
      /redirects to somewhere else/,
    ],
    ['nothing', { kind: 'dead' }, /cannot be reached/],
  ])('answers with %s', async (_, fault, message) => {
    await using rack = await up(fault);
    await using driver = new RedfishDriver();
    await expect(driver.power.getPowerState(redfishBench(rack).context())).rejects.toThrow(message);
  });

  it('is busy for a moment: asked again when it says', async () => {
    await using rack = await up({
      kind: 'status',
      status: 503,
      retryAfter: 0,
      times: 2,
      of: { path: '/Systems' },
    });
    await using driver = new RedfishDriver();
    expect(await driver.power.getPowerState(redfishBench(rack).context())).toBe('power off');
  });

  it('has endless pages: reading ends', async () => {
    await using rack = await up({ kind: 'endless-pages' });
    await using driver = new RedfishDriver();
    const media = await driver.management.media.list(redfishBench(rack).context());
    expect(media.length).toBeGreaterThan(0);
  });

  it('has two systems: the node must say which', async () => {
    await using rack = await RedfishRack.up({ quirks: { secondSystem: true } });
    await using driver = new RedfishDriver();
    const context = redfishBench(rack, { redfish_system_id: null }).context();
    await expect(driver.power.getPowerState(context)).rejects.toThrow(
      /has 2 systems: driver_info redfish_system_id must name one of \/redfish\/v1\/Systems\/1, /,
    );
    expect(await driver.power.getPowerState(redfishBench(rack).context())).toBe('power off');
  });

  it('shows no secret in logs and errors', async () => {
    await using rack = await up({ kind: 'status', status: 500, of: { path: '/Systems' } });
    await using driver = new RedfishDriver();
    const bench = redfishBench(rack);
    const error = await driver.power
      .getPowerState(bench.context())
      .catch((thrown: unknown) => thrown as Error);
    rack.bmc.setFaults({ kind: 'dead' });
    const away = await driver.power
      .getPowerState(bench.context())
      .catch((thrown: unknown) => thrown as Error);
    const told = inspect([error, away], { depth: 20, showHidden: true }) + bench.lines.join();
    expect(told).toContain('Redfish GET');
    expect(told).not.toContain('canary-redfish-pw');
    expect(told).not.toMatch(/x-auth-token|authorization/i);
  });
});
