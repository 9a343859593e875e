import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BmcFault } from '../../../lab/bmc/fault.js';
import { ipmiSection } from '../../../src/config/section/ipmi.js';
import { parseTarget, prepareCall } from '../../../src/driver/ipmi/arguments.js';
import {
  bmcReset,
  getBootFlags,
  type IpmiCommand,
  powerControl,
  powerStatus,
  raw,
  setBootDevice,
  setBootOption,
} from '../../../src/driver/ipmi/commands.js';
import type { IpmiFault } from '../../../src/driver/ipmi/link.js';
import { IpmiManagement } from '../../../src/driver/ipmi/management.js';
import { parseFault, wasWithoutSession } from '../../../src/driver/ipmi/output.js';
import { IpmiPower } from '../../../src/driver/ipmi/power.js';
import { IpmiVendor } from '../../../src/driver/ipmi/vendor.js';
import { CommandError, runCommand } from '../../../src/platform/run-command.js';
import { APP, CHASSIS, NET_FN } from '../../../src/protocol/ipmi/command.js';
import { LINKS, type LinkName, testLink } from '../../support/ipmi-link.js';
import { Rack } from '../../support/paper-rack.js';

/** Every command that the driver gives, and what the BMC hears of it. */
const COMMANDS: readonly { command: IpmiCommand; netFn: number; code: number }[] = [
  { command: powerStatus, netFn: NET_FN.chassis, code: CHASSIS.getStatus },
  ...(['on', 'off', 'soft', 'reset', 'diag'] as const).map((act) => ({
    command: powerControl(act),
    netFn: NET_FN.chassis,
    code: CHASSIS.control,
  })),
  { command: getBootFlags, netFn: NET_FN.chassis, code: CHASSIS.getBootOptions },
  { command: setBootDevice('pxe', []), netFn: NET_FN.chassis, code: CHASSIS.setBootOptions },
  { command: setBootOption(5, 0xa0, 0x04, 0, 0, 0), netFn: NET_FN.chassis, code: CHASSIS.setBootOptions },
  { command: raw([0x00, 0x02, 0x01]), netFn: NET_FN.chassis, code: CHASSIS.control },
  { command: bmcReset('warm'), netFn: NET_FN.app, code: APP.warmReset },
  { command: bmcReset('cold'), netFn: NET_FN.app, code: APP.coldReset },
];
const NAMED = COMMANDS.map((row) => ({
  ...row,
  name: row.command.words.join(' '),
  /** ipmitool does not wait for its answer. */
  unheard: row.netFn === NET_FN.app && row.code === APP.coldReset,
}));

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ferric-ipmi-loss-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A machine that is on and takes interrupts, behind a BMC that can be reset. */
async function liveRack(...faults: BmcFault[]): Promise<Rack> {
  const rack = await Rack.with({ restartTime: 12_000 });
  rack.machine.interrupt = async () => void rack.machine.done.push('interrupt');
  await rack.machine.on();
  rack.machine.done.length = 0;
  rack.bmc.setFaults(...faults);
  return rack;
}

/** One run of the real ipmitool, each packet sent once. */
async function runOnce(rack: Rack, command: IpmiCommand, info = {}): Promise<IpmiFault | undefined> {
  const target = parseTarget(rack.bench(info).committed.driver_info);
  const { args, env } = prepareCall(target, command.words, { seconds: 1, sends: 1 });
  try {
    const call = { file: 'ipmitool', args, env: { ...env, HOME: directory }, timeout: 30_000 };
    const result = await runCommand(call);
    const done = command.success.test(result.stdout) && !wasWithoutSession({ ...result, seconds: 1 });
    return done ? undefined : parseFault({ ...result, seconds: 1 });
  } catch (error) {
    if (error instanceof CommandError) return parseFault({ ...error.result, seconds: 1 });
    throw error;
  }
}

type Loss = Extract<BmcFault, { kind: 'loses' }>;
function losses(packets: { to: number; from: number }): Loss[] {
  return (['to', 'from'] as const).flatMap((way) =>
    Array.from({ length: packets[way] }, (_, i) => ({ kind: 'loses' as const, way, packet: i + 1 })),
  );
}

async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>, workers = 12): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: workers }, worker));
}

describe.concurrent('what the real ipmitool says of a command', () => {
  it.each(NAMED)('$name: done, refused, and without an answer', async ({ command, netFn, code, unheard }) => {
    const at = [{ netFn, command: code }];
    {
      await using rack = await liveRack();
      expect(await runOnce(rack, command)).toBeUndefined();
      expect(rack.given(netFn, code)).toBeGreaterThan(0);
    }
    {
      await using rack = await liveRack({ kind: 'unsupported', commands: at });
      const fault = await runOnce(rack, command);
      if (unheard) expect(fault).toBeUndefined();
      else expect(fault).toMatchObject({ code: 'unsupported', stage: 'refusal' });
    }
    {
      await using rack = await liveRack({ kind: 'mute', commands: at });
      const fault = await runOnce(rack, command);
      if (unheard) expect(fault).toBeUndefined();
      else {
        expect(fault).toMatchObject({ code: 'bmc-unreachable', passing: 'silent' });
        expect(fault).not.toHaveProperty('stage');
      }
    }
  });

  it.each(NAMED)(
    '$name: with any one packet lost, nothing is said that is not so',
    async ({ command, netFn, code, unheard }) => {
      await using whole = await liveRack();
      await runOnce(whole, command);
      await eachOf(losses({ ...whole.bmc.faults.packets }), async (loss) => {
        await using rack = await liveRack(loss);
        const fault = await runOnce(rack, command);
        // What it refuses outside of a session was not executed.
        const heard = rack.executed(netFn, code) > 0;
        const story = JSON.stringify({ loss, fault, heard });
        if (!fault) {
          if (!unheard) expect(heard, story).toBe(true);
          return;
        }
        // A lost packet is told as silence, or as what is to be confirmed; never as a refusal.
        expect(fault.passing === 'silent' || fault.unsure === true, story).toBe(true);
        expect(fault.stage, story).not.toBe('refusal');
        if (fault.stage === 'session') expect(heard, story).toBe(false);
      });
    },
  );
});

/** ipmitool logs in four times, and then goes on as if it had a session. */
describe.concurrent('a login of which ipmitool hears nothing in time', () => {
  const LOST: [string, BmcFault[]][] = [
    ['lost', [{ kind: 'loses-opens', count: 4 }]],
    ['late', [{ kind: 'stalls', duration: 4_500 }]],
    ['late and doubled', [{ kind: 'stalls', duration: 4_500 }, { kind: 'repeats' }]],
  ];

  it.each(
    LOST.flatMap(([how, faults]) =>
      ['ADMINISTRATOR', 'USER'].map((ipmi_priv_level) => ({ how, faults, ipmi_priv_level })),
    ),
  )('$how, at level $ipmi_priv_level: is silence, whatever is said next', async ({ faults, ...info }) => {
    for (const command of [powerStatus, powerControl('on')]) {
      await using rack = await liveRack(...faults);
      const fault = await runOnce(rack, command, { ipmi_priv_level: info.ipmi_priv_level });
      expect(fault).toMatchObject({ code: 'bmc-unreachable', passing: 'silent', stage: 'session' });
      expect(rack.machine.done).toEqual([]);
    }
  });

  it('the next run reads the state', async () => {
    const driver = build('ipmitool');
    for (const [, faults] of LOST) {
      await using rack = await liveRack(...faults);
      expect(await driver.power.getPowerState(rack.bench().context())).toBe('power on');
    }
  }, 60_000);
});

function build(kind: LinkName, extra: object = {}) {
  const settings = ipmiSection.parse({
    link: kind,
    min_response_timeout: 1,
    max_response_timeout: 1,
    ...extra,
  });
  const link = testLink(settings, directory);
  const management = new IpmiManagement({ link, settings, defaultBootMode: 'uefi' });
  const vendor = new IpmiVendor(link);
  return { link, management, vendor, power: new IpmiPower({ link, management }) };
}
type Driver = ReturnType<typeof build>;
type Context = ReturnType<ReturnType<Rack['bench']>['context']>;

/** What operators and workflows ask of a BMC, and how the rack looks then. */
const OPERATIONS: Record<
  string,
  {
    run(driver: Driver, context: Context): Promise<unknown> /** What it is made of is tried for itself. */;
    inParts?: true;
    fields?: object;
    result?: unknown;
  }
> = {
  'power state': { run: ({ power }, c) => power.getPowerState(c), result: 'power on' },
  'power on': { run: ({ power }, c) => power.setPowerState(c, 'power on', 60_000) },
  'power off': { run: ({ power }, c) => power.setPowerState(c, 'power off', 60_000) },
  reboot: { run: ({ power }, c) => power.setPowerState(c, 'rebooting', 60_000), inParts: true },
  'soft power off': { run: ({ power }, c) => power.setPowerState(c, 'soft power off', 30_000) },
  'soft reboot': { run: ({ power }, c) => power.setPowerState(c, 'soft rebooting', 60_000), inParts: true },
  'reboot without losing power': {
    run: ({ power }, c) => power.setPowerState(c, 'rebooting', 60_000),
    fields: { disable_power_off: true },
  },
  'boot device, UEFI': { run: ({ management }, c) => management.setBootDevice(c, 'pxe', false) },
  'boot device, BIOS': {
    run: ({ management }, c) => management.setBootDevice(c, 'disk', true),
    fields: { properties: { capabilities: 'boot_mode:bios' } },
  },
  'boot device, read': {
    run: ({ management }, c) => management.getBootDevice(c),
    result: { boot_device: null, persistent: null },
  },
};

describe.each(LINKS)('an operation by %s of which one packet is lost', { concurrent: true }, (by) => {
  it.each(Object.entries(OPERATIONS).filter(([, { inParts }]) => !inParts))(
    '%s: done all the same',
    async (_, { run, fields, result }) => {
      const driver = build(by);
      await using whole = await liveRack();
      await run(driver, whole.bench({}, fields).context());
      const { done } = whole.machine;
      const selection = whole.machine.boot.selection();
      await eachOf(losses({ ...whole.bmc.faults.packets }), async (loss) => {
        await using rack = await liveRack(loss);
        const context = rack.bench({}, fields).context();
        const answer = await run(driver, context);
        if (result !== undefined) expect(answer, JSON.stringify(loss)).toEqual(result);
        // The lost answer of a command that is safe to repeat may have it carried out twice.
        const acts = rack.machine.done.filter((act, i, all) => act !== all[i - 1]);
        expect(acts, JSON.stringify(loss)).toEqual(done);
        expect(rack.machine.boot.selection(), JSON.stringify(loss)).toEqual(selection);
      });
    },
    200_000,
  );

  it('an NMI is never sent twice, and it is said when nobody knows of it', async () => {
    const driver = build(by, { command_retry_timeout: 30 });
    await using whole = await liveRack();
    await driver.management.injectNmi(whole.bench().context());
    await eachOf(losses({ ...whole.bmc.faults.packets }), async (loss) => {
      await using rack = await liveRack(loss);
      const end = await driver.management.injectNmi(rack.bench().context()).then(
        () => 'done',
        (error: Error) => error.message,
      );
      expect(rack.machine.done.length, JSON.stringify(loss)).toBeLessThanOrEqual(1);
      if (end === 'done') expect(rack.machine.done, JSON.stringify(loss)).toEqual(['interrupt']);
      else expect(end).toMatch(/may have been carried out, and is not sent twice/);
    });
  }, 60_000);

  it.each(['warm', 'cold'] as const)(
    'a %s reset of the BMC is never sent twice, and told from a lost one',
    async (kind) => {
      const driver = build(by, { command_retry_timeout: 30 });
      const code = kind === 'warm' ? APP.warmReset : APP.coldReset;
      const reset = (rack: Rack) =>
        driver.vendor.methods['bmc_reset']!.run(
          rack.bench().context(),
          { warm: kind === 'warm' },
          'POST',
        ).then(
          () => 'done',
          (error: Error) => error.message,
        );
      await using whole = await liveRack();
      expect(await reset(whole)).toBe('done');
      await eachOf(
        losses({ to: kind === 'warm' ? 12 : 11, from: 12 }),
        async (loss) => {
          await using rack = await liveRack(loss);
          const end = await reset(rack);
          const story = `${JSON.stringify(loss)}: ${end}`;
          expect(rack.given(NET_FN.app, code), story).toBe(end === 'done' ? 1 : 0);
          if (end !== 'done') expect(end, story).toMatch(/still answers after 15 s.* not sent twice/);
        },
        24,
      );
    },
    120_000,
  );

  it('raw bytes are sent once, and it is said when nobody knows of them', async () => {
    const driver = build(by);
    await using rack = await liveRack({
      kind: 'mute',
      commands: [{ netFn: NET_FN.chassis, command: CHASSIS.control }],
    });
    const raw = driver.vendor.methods['send_raw']!;
    await expect(
      raw.run(rack.bench().context(), { raw_bytes: '0x00 0x02 0x01' }, 'POST'),
    ).rejects.toMatchObject({
      code: 'bmc-unreachable',
      message:
        'IPMI raw 0x00 0x02 0x01 failed: the BMC 127.0.0.1 did not answer the command; it may have been carried out, and is not sent twice.',
    });
  });
});

describe.each(LINKS)('by %s, with one of twenty packets lost each way', (by) => {
  it('200 of 200 operations are done', async () => {
    const driver = build(by);
    const kinds = Object.entries(OPERATIONS);
    const racks = await Promise.all(
      Array.from({ length: 40 }, () => liveRack({ kind: 'lossy', share: 0.05 })),
    );
    const failed: string[] = [];
    await Promise.all(
      racks.map(async (rack, i) => {
        for (let n = 0; n < 5; n++) {
          const [name, { run, fields }] = kinds[(i + n * 3) % kinds.length]!;
          await run(driver, rack.bench({}, fields).context()).catch((error: unknown) => {
            failed.push(`${name}: ${String(error)}`);
          });
          if (!rack.machine.isOn()) await rack.machine.on();
        }
      }),
    );
    await Promise.all(racks.map((rack) => rack.bmc.close()));
    expect(failed).toEqual([]);
  }, 180_000);
});
