import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { RedfishFault } from '../../../lab/bmc/redfish/fault.js';
import { PERSONALITIES, type PersonalityName } from '../../../lab/bmc/redfish/personality.js';
import { messageOf } from '../../../src/domain/errors.js';
import type { JsonObject } from '../../../src/domain/json.js';
import type { NodeChanges } from '../../../src/driver/contract/context.js';
import type { StepContext } from '../../../src/driver/contract/step.js';
import type { DriverBench } from '../../support/driver-context.js';
import { RedfishDriver, redfishBench } from '../../support/redfish-driver.js';
import { RedfishRack } from '../../support/redfish-rack.js';

const names = Object.keys(PERSONALITIES) as PersonalityName[];
const setting = (name: string, value: string | number | boolean) => ({ name, value });

function stepOf({ bios }: RedfishDriver, name: string, kind = 'service') {
  const step = bios.steps.find((one) => one.name === name && one.kind === kind);
  if (!step) throw new Error(`no step ${name}`);
  return (context: StepContext) => step.run(context);
}

const apply = (driver: RedfishDriver, bench: DriverBench, ...settings: object[]) =>
  bench.drive(driver.interfaces, stepOf(driver, 'apply_configuration'), {
    step: 'apply_configuration',
    args: { settings } as unknown as JsonObject,
  });

const cached = (bench: DriverBench, name: string) =>
  (bench.committed as NodeChanges).bios_settings?.find((one) => one.name === name);

const changes = (rack: RedfishRack) =>
  rack.bmc.events.flatMap((event) =>
    event.kind === 'bios' ? [`${event.act} ${event.names.join(' ')}`] : [],
  );

describe.each(names)('BIOS settings at a BMC like %s', (personality) => {
  it('are changed by one reboot, compared and cached; again they are left alone', async () => {
    await using rack = await RedfishRack.up({ personality });
    await using driver = new RedfishDriver();
    const bench = redfishBench(rack);
    await driver.power.setPowerState(bench.context(), 'power on', 10_000);
    rack.machine.done.length = 0;
    const asked = [setting('SriovGlobalEnable', 'Enabled'), setting('BootRetryDelay', '60')];
    expect((await apply(driver, bench, ...asked)).outcome).toEqual({ is: 'done' });
    expect(rack.machine.done).toEqual(['off', 'on']);
    expect(changes(rack)).toEqual([
      'pending SriovGlobalEnable BootRetryDelay',
      'applied SriovGlobalEnable BootRetryDelay',
    ]);
    expect(cached(bench, 'SriovGlobalEnable')).toMatchObject({
      value: 'Enabled',
      attribute_type: 'Enumeration',
      allowable_values: ['Enabled', 'Disabled'],
      reset_required: true,
    });
    expect(cached(bench, 'BootRetryDelay')).toMatchObject({ value: '60', lower_bound: 0, upper_bound: 600 });
    expect((await apply(driver, bench, ...asked)).outcome).toEqual({ is: 'done' });
    expect(rack.machine.done).toEqual(['off', 'on']);
  });

  it('are reset to their defaults, and the changed ones are told', async () => {
    await using rack = await RedfishRack.up({ personality });
    await using driver = new RedfishDriver();
    const bench = redfishBench(rack);
    await apply(driver, bench, setting('QuietBoot', 'false'));
    await bench.drive(driver.interfaces, stepOf(driver, 'factory_reset'), { step: 'factory_reset' });
    expect(bench.told).toEqual(['The BIOS was reset; 1 attributes changed: QuietBoot.']);
    expect(cached(bench, 'QuietBoot')?.value).toBe('true');
    // It was off before, and is so again.
    expect(rack.machine.done).toEqual(['on', 'off', 'on', 'off']);
  });
});

describe('BIOS settings', () => {
  it.each([
    ['an unknown one', setting('Nonsense', 'x'), 'Nonsense: the BIOS has no such attribute'],
    ['a value that is not allowed', setting('ProcVirtualization', 'Maybe'), 'not one of Enabled, Disabled'],
    ['a number out of bounds', setting('BootRetryDelay', 601), '601 is more than 600'],
    ['a text that is too long', setting('AssetTag', 'x'.repeat(21)), 'longer than 20'],
    ['a read-only one', setting('SystemBiosVersion', '2.0'), 'SystemBiosVersion: it is read-only'],
  ])('are checked before anything is sent: %s', async (_, bad, text) => {
    await using rack = await RedfishRack.up();
    await using driver = new RedfishDriver();
    const bench = redfishBench(rack);
    const work = apply(driver, bench, setting('SriovGlobalEnable', 'Enabled'), bad);
    await expect(work).rejects.toThrow(text);
    expect(changes(rack)).toEqual([]);
    expect(rack.machine.done).toEqual([]);
  });

  it('that the BIOS does not apply fail the step, with the difference and the BMC’s words', async () => {
    await using rack = await RedfishRack.up({}, { kind: 'keeps-settings', names: ['SriovGlobalEnable'] });
    await using driver = new RedfishDriver();
    const bench = redfishBench(rack);
    const asked = [setting('SriovGlobalEnable', 'Enabled'), setting('QuietBoot', false)];
    await expect(apply(driver, bench, ...asked)).rejects.toThrow(
      /not as requested: SriovGlobalEnable is "Disabled", not "Enabled"\. The BMC says: .*conflicts with another property/,
    );
    expect(cached(bench, 'QuietBoot')?.value).toBe('false');
    expect(rack.machine.done).toEqual(['on', 'off']);
  });

  it('are awaited where the BIOS takes its time and the BMC is away meanwhile', async () => {
    const away: RedfishFault = { kind: 'status', status: 500, times: 4, of: { method: 'GET', path: 'Bios' } };
    await using rack: RedfishRack = await RedfishRack.up({
      quirks: { biosDelay: 1_000 },
      onEvent: (event) => void (event.kind === 'reset' && rack.bmc.setFaults(away)),
    });
    await using driver = new RedfishDriver();
    const { outcome } = await apply(driver, redfishBench(rack), setting('QuietBoot', false));
    expect(outcome).toEqual({ is: 'done' });
  });

  const gone = (status: number, path: string): RedfishFault => {
    return { kind: 'status', status, times: 4, of: { method: 'GET', path } };
  };

  it.each<[string, RedfishFault]>([
    ['Bios answers 404', gone(404, '/Bios')],
    ['Bios answers 410', gone(410, '/Bios')],
    ['the system answers 404', gone(404, '/Systems/')],
    ['the system links no Bios', { kind: 'hides-bios', times: 4 }],
  ])('are awaited where %s for a moment while the machine starts', async (_, away) => {
    await using rack: RedfishRack = await RedfishRack.up({ quirks: { biosDelay: 1_000 } });
    await using driver = new RedfishDriver();
    const bench = redfishBench(rack);
    const run = stepOf(driver, 'apply_configuration');
    const args = { settings: [setting('QuietBoot', false)] };
    const entry = { step: 'apply_configuration', args } as const;
    let outcome = await run(bench.context(driver.interfaces, { ...entry, wake: 'start' }));
    rack.bmc.setFaults(away);
    for (let polls = 0; outcome.is === 'wait' && polls < 200; polls++) {
      bench.saved = outcome.checkpoint ?? null;
      await sleep(10);
      outcome = await run(bench.context(driver.interfaces, { ...entry, wake: 'poll' }));
    }
    expect(outcome).toEqual({ is: 'done' });
  });

  it('are compared without their registry, which is read before the change and once for the cache', async () => {
    await using rack = await RedfishRack.up({ quirks: { biosDelay: 500 } });
    await using driver = new RedfishDriver();
    const asked = [setting('QuietBoot', 'FALSE'), setting('BootRetryDelay', '060')];
    const { outcome } = await apply(driver, redfishBench(rack), ...asked);
    expect(outcome).toEqual({ is: 'done' });
    expect(rack.bmc.count('GET', 'Registries/')).toBe(4);
  });

  it('of a BMC that has no BIOS any more fail the step once they are late', async () => {
    await using rack = await RedfishRack.up({ quirks: { biosDelay: 60_000 } });
    await using driver = new RedfishDriver();
    const bench = redfishBench(rack);
    const run = stepOf(driver, 'apply_configuration');
    const args = { settings: [setting('QuietBoot', false)] };
    const entry = { step: 'apply_configuration', args } as const;
    const outcome = await run(bench.context(driver.interfaces, { ...entry, wake: 'start' }));
    expect(outcome.is).toBe('wait');
    if (outcome.is === 'wait') bench.saved = outcome.checkpoint ?? null;
    rack.bmc.setFaults({ kind: 'status', status: 404, of: { path: '/Bios' } });
    expect((await run(bench.context(driver.interfaces, { ...entry, wake: 'poll' }))).is).toBe('wait');
    const late = run(bench.context(driver.interfaces, { ...entry, wake: 'deadline' }));
    await expect(late).rejects.toThrow('the BMC has no such resource (404)');
  });

  it('with a password neither show nor cache it', async () => {
    await using rack = await RedfishRack.up();
    await using driver = new RedfishDriver();
    const bench = redfishBench(rack);
    expect((await apply(driver, bench, setting('SetupPassword', 'canary-setup-pw'))).outcome.is).toBe('done');
    expect(changes(rack)).toEqual(['pending SetupPassword', 'applied SetupPassword']);
    await expect(apply(driver, bench, setting('SetupPassword', 'canary'.repeat(9)))).rejects.toThrow(
      'SetupPassword: the value is longer than 32 characters',
    );
    expect(JSON.stringify([bench.lines, bench.told, bench.committed, bench.saved])).not.toContain(
      'canary-setup',
    );
  });

  it('with a password do not show it where the service has no registry', async () => {
    await using rack = await RedfishRack.up({}, { kind: 'status', status: 404, of: { path: '/Registries' } });
    await using driver = new RedfishDriver();
    const bench = redfishBench(rack);
    const work = apply(driver, bench, setting('SetupPassword', 'canary-setup-pw'));
    const words = await work.then(({ outcome }) => outcome.is, messageOf);
    expect(JSON.stringify([words, bench.lines, bench.told, bench.committed, bench.saved])).not.toContain(
      'canary-setup',
    );
    expect(words).toBe('done');
    expect(changes(rack)).toEqual(['pending SetupPassword', 'applied SetupPassword']);
  });

  it('are changed below a ramdisk, which is started again', async () => {
    await using rack = await RedfishRack.up();
    await using driver = new RedfishDriver();
    const bench = redfishBench(rack, {}, { driver_internal_info: { agent_url: 'https://192.0.2.9:9999' } });
    await driver.power.setPowerState(bench.context(), 'power on', 10_000);
    expect((await apply(driver, bench, setting('QuietBoot', false))).outcome).toEqual({ is: 'done' });
    expect(driver.relaunched).toHaveLength(1);
    expect(rack.machine.done).toEqual(['on', 'off', 'on']);
  });

  it('of a machine that must not lose power are applied by one restart', async () => {
    await using rack = await RedfishRack.up();
    await using driver = new RedfishDriver();
    const bench = redfishBench(rack, {}, { disable_power_off: true });
    await driver.power.setPowerState(bench.context(), 'power on', 10_000);
    expect((await apply(driver, bench, setting('QuietBoot', false))).outcome).toEqual({ is: 'done' });
    expect(rack.machine.done).toEqual(['on', 'reset']);
  });

  it('of a machine that must not lose power are not restarted for twice, where nobody can tell', async () => {
    await using rack = await RedfishRack.up();
    await using driver = new RedfishDriver();
    const bench = redfishBench(rack, {}, { disable_power_off: true });
    await driver.power.setPowerState(bench.context(), 'power on', 10_000);
    const args = { settings: [setting('QuietBoot', false)] };
    const entry = { step: 'apply_configuration', args } as const;
    const run = stepOf(driver, 'apply_configuration');
    await rack.ask('PATCH', `${rack.bmc.systemPath}/Bios/Settings`, { Attributes: { QuietBoot: false } });
    const reboot = { stage: 'restart', wasOff: false, lastReset: null, ramdisk: null };
    bench.saved = { phase: 'reboot', reboot, task: null, until: null, before: {} };
    const outcome = await run(bench.context(driver.interfaces, { ...entry, wake: 'restart' }));
    expect(outcome.is).toBe('wait');
    if (outcome.is === 'wait') bench.saved = outcome.checkpoint ?? null;
    const late = run(bench.context(driver.interfaces, { ...entry, wake: 'deadline' }));
    await expect(late).rejects.toThrow(
      /the machine may not have been restarted, and .*QuietBoot is true, not false \(still pending\)/,
    );
    expect(rack.machine.done).toEqual(['on']);
  });

  it('are read when a node is verified, and a BMC without them verifies all the same', async () => {
    await using rack = await RedfishRack.up();
    await using driver = new RedfishDriver();
    const bench = redfishBench(rack);
    const verify = stepOf(driver, 'cache_bios_settings', 'verify');
    expect(await verify(bench.context(driver.interfaces))).toEqual({ is: 'done' });
    expect(cached(bench, 'BootMode')?.value).toBe('Uefi');
    rack.bmc.setFaults({ kind: 'status', status: 404, of: { path: '/Bios' } });
    expect(await verify(bench.context(driver.interfaces))).toEqual({ is: 'done' });
  });
});

class Killed extends Error {}

/** Runs the step, and dies right before its `at`-th request to the BMC; then it is entered again as after a restart. */
async function dying(driver: RedfishDriver, bench: DriverBench, name: string, args: JsonObject, at: number) {
  const run = stepOf(driver, name);
  let requests = 0;
  const turn = async (wake: 'start' | 'poll') => {
    const context = bench.context(driver.interfaces, { step: name, args, wake });
    const mortal = Object.create(context, {
      fence: {
        value: async () => {
          if (++requests === at) throw new Killed();
        },
      },
    }) as StepContext;
    return run(mortal);
  };
  try {
    for (let wake: 'start' | 'poll' = 'start'; ; wake = 'poll') {
      const outcome = await turn(wake);
      if (outcome.is !== 'wait') return 'lived';
      if (outcome.checkpoint !== undefined) bench.saved = outcome.checkpoint;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
  }
  // `drive` begins anew, so the checkpoint is handed on here.
  let outcome = await run(bench.context(driver.interfaces, { step: name, args, wake: 'restart' }));
  for (let polls = 0; outcome.is === 'wait' && polls < 200; polls++) {
    if (outcome.checkpoint !== undefined) bench.saved = outcome.checkpoint;
    await new Promise((resolve) => setTimeout(resolve, 10));
    outcome = await run(bench.context(driver.interfaces, { step: name, args, wake: 'poll' }));
  }
  return outcome.is === 'done' ? 'went on' : outcome.is;
}

const ONCE = ['pending SriovGlobalEnable', 'applied SriovGlobalEnable'];

describe('a conductor that dies in a change of the BIOS', () => {
  const life = async (name: string, args: JsonObject, off: boolean, told: readonly string[]) => {
    const ends: string[] = [];
    for (let at = 1; at < 80; at++) {
      await using rack = await RedfishRack.up();
      await using driver = new RedfishDriver();
      const bench = redfishBench(rack);
      if (!off) await driver.power.setPowerState(bench.context(), 'power on', 10_000);
      rack.machine.done.length = 0;
      const end = await dying(driver, bench, name, args, at);
      ends.push(end);
      expect(rack.machine.done, `killed before request ${at}`).toEqual(off ? ['on', 'off'] : ['off', 'on']);
      expect(changes(rack), `killed before request ${at}`).toEqual(told);
      if (end === 'lived') break;
    }
    expect(ends.at(-1)).toBe('lived');
    expect(ends.filter((end) => end === 'went on').length).toBeGreaterThan(15);
  };

  it('finds its settings pending and its reboot done, at whatever request it died', async () => {
    const args = { settings: [setting('SriovGlobalEnable', 'Enabled')] };
    await life('apply_configuration', args, false, ONCE);
  });

  it('switches a machine off again that was off', async () => {
    const args = { settings: [setting('SriovGlobalEnable', 'Enabled')] };
    await life('apply_configuration', args, true, ONCE);
  });

  it('resets the BIOS by one reboot', async () => {
    const names = 'BootMode ProcVirtualization SriovGlobalEnable BootRetryDelay QuietBoot AssetTag';
    await life('factory_reset', {}, false, ['reset ', `applied ${names} SystemBiosVersion SetupPassword`]);
  });
});
