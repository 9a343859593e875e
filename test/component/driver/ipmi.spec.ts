import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Ipmitool } from '../../../src/driver/ipmi/ipmitool.js';
import { callOf } from '../../../src/driver/ipmi/link.js';
import { IpmiVendor } from '../../../src/driver/ipmi/vendor.js';
import { runCommand } from '../../../src/platform/run-command.js';
import { APP, CHASSIS, NET_FN } from '../../../src/protocol/ipmi/command.js';
import { DriverBench } from '../../support/driver-context.js';
import { type IpmitoolBed, useIpmitool } from '../../support/ipmitool-bed.js';
import { CANARY, OPERATOR, Rack } from '../../support/paper-rack.js';

const bed = useIpmitool();
const { build, seen, settings } = bed;

describe('ipmi power and management, through the real ipmitool', () => {
  it('finds ipmitool and refuses what is none, or too old', async () => {
    expect(await bed.driver.ipmitool.start()).toMatch(/^1\.\d+\.\d+$/);
    await expect(build({ program: 'no-such-ipmitool' }).ipmitool.start()).rejects.toThrow(
      'ipmi.program: no-such-ipmitool: is not installed. Install ipmitool 1.8.19 or newer.',
    );
    const old = new Ipmitool({
      settings,
      runtimeDirectory: bed.directory,
      run: async () => ({ exitCode: 0, stdout: 'ipmitool version 1.8.18\n', stderr: '', duration: 1 }),
    });
    await expect(old.start()).rejects.toThrow('ipmitool is 1.8.18; 1.8.19 or newer is needed.');
  });

  it('switches on, off, soft off and reboots, and returns when the state is reached', async () => {
    await using rack = await Rack.up();
    const context = rack.bench().context();
    rack.machine.inertia = 150;
    expect(await bed.driver.power.getPowerState(context)).toBe('power off');
    await bed.driver.power.setPowerState(context, 'power on', 5_000);
    expect(rack.machine.isOn()).toBe(true);
    await bed.driver.power.setPowerState(context, 'rebooting', 5_000);
    await bed.driver.power.setPowerState(context, 'soft power off', 5_000);
    expect(rack.machine.isOn()).toBe(false);
    await bed.driver.power.setPowerState(context, 'soft rebooting', 5_000);
    await bed.driver.power.setPowerState(context, 'power off', 5_000);
    expect(rack.machine.done).toEqual(['on', 'off', 'on', 'soft', 'on', 'off']);
  });

  it('resets a machine that must not lose power', async () => {
    await using rack = await Rack.up();
    const context = rack.bench({}, { disable_power_off: true }).context();
    await bed.driver.power.setPowerState(context, 'power on', 5_000);
    await bed.driver.power.setPowerState(context, 'rebooting', 5_000);
    expect(rack.machine.done).toEqual(['on', 'reset']);
    await bed.driver.power.setPowerState(context, 'power off', 5_000);
    await bed.driver.power.setPowerState(context, 'rebooting', 5_000);
    expect(rack.machine.done).toEqual(['on', 'reset', 'off', 'on']); // a reset of what is off is refused (0xd5)
    await expect(bed.driver.power.setPowerState(context, 'soft rebooting', 5_000)).rejects.toMatchObject({
      code: 'unsupported',
    });
  });

  it.each([
    ['uefi', 'pxe', false],
    ['uefi', 'disk', true],
    ['bios', 'pxe', false],
    ['bios', 'disk', true],
  ] as const)('sets the boot device: %s %s persistent=%s', async (mode, device, persistent) => {
    await using rack = await Rack.up();
    const context = rack
      .bench({ ipmi_cipher_suite: 17 }, { properties: { capabilities: `boot_mode:${mode}` } })
      .context();
    await bed.driver.management.setBootDevice(context, device, persistent);
    expect(rack.machine.boot.selection()).toEqual({ device, efi: mode === 'uefi', persistent });
    expect(await bed.driver.management.getBootDevice(context)).toEqual({ boot_device: device, persistent });
    const kept = rack.events.some(
      (event) =>
        event.kind === 'command' && event.command === CHASSIS.setBootOptions && event.data === '0308',
    );
    expect(kept).toBe(true);
  });

  it('tells a forgetful BMC its boot device before each start', async () => {
    await using rack = await Rack.up();
    const bench = rack.bench({ ipmi_force_boot_device: true });
    await bed.driver.management.setBootDevice(bench.context(), 'disk', true);
    await bed.driver.management.setBootDevice(bench.context(), 'pxe', false);
    await bed.driver.power.setPowerState(bench.context(), 'power on', 5_000);
    expect(rack.machine.boot.take()).toMatchObject({ device: 'pxe' });
    await bed.driver.power.setPowerState(bench.context(), 'rebooting', 5_000);
    expect(rack.machine.boot.take()).toMatchObject({ device: 'disk' });
    expect(await bed.driver.management.getBootDevice(bench.context())).toEqual({
      boot_device: 'disk',
      persistent: true,
    });
  });

  it('an operator’s login serves when its level is asked for', async () => {
    await using rack = await Rack.up();
    const info = { ipmi_username: 'oper', ipmi_password: OPERATOR, ipmi_priv_level: 'OPERATOR' };
    expect(await bed.driver.power.getPowerState(rack.bench(info).context())).toBe('power off');
  });

  it('an unsupported command and a refused boot device are told apart from a failure', async () => {
    await using rack = await Rack.up({
      kind: 'unsupported',
      commands: [{ netFn: NET_FN.chassis, command: CHASSIS.control }],
    });
    const context = rack.bench({}, { properties: { capabilities: 'boot_mode:bios' } }).context();
    await expect(bed.driver.power.setPowerState(context, 'power on', 5_000)).rejects.toMatchObject({
      code: 'unsupported',
      message: 'IPMI power on failed: the BMC does not support the command.',
    });
    // ipmitool exits 0 for this one.
    await expect(bed.driver.management.setBootDevice(context, 'cdrom', false)).rejects.toMatchObject({
      code: 'unsupported',
    });
  });

  it('says how to do without a boot option that the BMC refuses', async () => {
    await using rack = await Rack.up({
      kind: 'unsupported',
      commands: [{ netFn: NET_FN.chassis, command: CHASSIS.setBootOptions }],
    });
    await expect(
      bed.driver.management.setBootDevice(rack.bench().context(), 'pxe', false),
    ).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/parameter 3.*ipmi_disable_boot_timeout=false/) as string,
    });
    const told = rack.bench({ ipmi_disable_boot_timeout: false }).context();
    const error: unknown = await bed.driver.management
      .setBootDevice(told, 'pxe', false)
      .catch((e: unknown) => e);
    expect(String(error)).not.toContain('ipmi_disable_boot_timeout');
  });

  it('a login that was refused is tried again when somebody asks or the credentials change, not before', async () => {
    await using rack = await Rack.up({ kind: 'locks-accounts', after: 3 });
    const watching = build().power;
    const bench = rack.bench({ ipmi_password: 'not-it' });
    const read = (attended: boolean) => {
      bench.attended = attended;
      return watching.getPowerState(bench.context()).catch((error: Error) => error.message);
    };
    const logins = () => rack.events.filter(({ kind }) => kind === 'login').length;
    expect(await read(false)).toMatch(/wrong password\.$/);
    for (let i = 0; i < 5; i++) {
      expect(await read(false)).toMatch(/wrong password; it is not tried again until/);
    }
    expect(logins()).toBe(1);
    expect(await read(true)).toMatch(/wrong password\.$/);
    expect(logins()).toBe(2);
    expect(await read(false)).toMatch(/not tried again/);
    bench.committed = rack.bench().committed;
    expect(await read(false)).toBe('power off');
    // A success is no reason to go on trusting an earlier refusal.
    bench.committed = rack.bench({ ipmi_password: 'not-it' }).committed;
    expect(await read(false)).toMatch(/wrong password\.$/);
    bench.committed = rack.bench().committed;
    expect(await read(false)).toBe('power off');
  });

  it('a BMC that does not tell its cipher suites costs its time-out twice, not with every command', async () => {
    await using rack = await Rack.up({
      kind: 'mute',
      commands: [{ netFn: NET_FN.app, command: APP.getChannelCipherSuites }],
    });
    const patient = build();
    seen.length = 0;
    for (let i = 0; i < 4; i++) {
      expect(await patient.power.getPowerState(rack.bench().context())).toBe('power off');
    }
    expect(seen.map(({ args }) => args.includes('-C'))).toEqual([false, false, true, true]);
    expect(seen[2]!.args[seen[2]!.args.indexOf('-C') + 1]).toBe('3');
    expect(rack.given(NET_FN.app, APP.getChannelCipherSuites)).toBe(0);
    // One that tells them is asked once.
    await using talkative = await Rack.up();
    for (let i = 0; i < 3; i++) await patient.power.getPowerState(talkative.bench().context());
    expect(talkative.given(NET_FN.app, APP.getChannelCipherSuites)).toBe(1);
  });

  it('vendor methods and the NMI reach the BMC', async () => {
    await using rack = await Rack.up();
    const context = rack.bench().context();
    const vendor = new IpmiVendor(bed.driver.link);
    const { send_raw, bmc_reset } = vendor.methods;
    expect(vendor.steps.map(({ kind, name }) => `${kind} ${name}`)).toContain('service send_raw');
    expect(() => send_raw!.validate!({})).toThrow('Argument raw_bytes is missing.');
    expect(() => send_raw!.validate!({ raw_bytes: '0x00; reboot' })).toThrow('raw_bytes must be bytes');
    expect(() => send_raw!.validate!({ raw_bytes: '0x00 256' })).toThrow('raw_bytes must be bytes');
    // Chassis control, power up.
    await send_raw!.run(context, { raw_bytes: '0x00 0x02 0x01' }, 'POST');
    expect(rack.machine.done).toEqual(['on']);
    // Get Boot Options, flags: the BMC's bytes, as a reader of sensors or of LAN parameters would get them.
    const answer = await bed.driver.link.raw(callOf(context), [0x00, 0x09, 0x05, 0x00, 0x00]);
    expect([...answer.subarray(0, 2)]).toEqual([0x01, 0x05]);
    // The virtual BMC knows neither: that it says so shows that it was asked.
    await expect(bmc_reset!.run(context, { warm: 'true' }, 'POST')).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('bmc reset warm') as string,
    });
    await expect(bed.driver.management.injectNmi(context)).rejects.toThrow('power diag');
  });

  it('dead and slow BMCs hold up no healthy one', async () => {
    const alone = await healthyRound(build(), 20);
    const crowded = build();
    await using dead = createDeadPort();
    const port = await dead.port;
    const lost = Array.from({ length: 60 }, (_, i) => {
      const info = {
        ipmi_address: `127.0.1.${i + 1}`,
        ipmi_port: port,
        ipmi_username: 'a',
        ipmi_password: 'b',
      };
      return crowded.power.getPowerState(new DriverBench({ driver_info: info }).context()).then(
        () => 'ok',
        (error: { code: string }) => error.code,
      );
    });
    await sleep(2_500); // each has had its first look by now
    const beside = await healthyRound(crowded, 20);
    expect(await Promise.all(lost)).toEqual(Array.from({ length: 60 }, () => 'bmc-unreachable'));
    process.stderr.write(`healthy power status p95: alone ${alone} ms, beside 60 dead BMCs ${beside} ms\n`);
    expect(beside).toBeLessThan(alone * 2.5 + 4_000);
  }, 60_000);

  it('runs one command at a time at each BMC and gives each of them the fence first', async () => {
    await using rack = await Rack.up();
    const bench = rack.bench();
    seen.length = 0;
    await Promise.all(Array.from({ length: 6 }, () => bed.driver.power.getPowerState(bench.context())));
    expect(bench.fences).toHaveLength(6);
    expect(Math.min(...bench.fences)).toBeGreaterThan(10_000);
  });

  it('stops at once when its work is cancelled, also in the queue', async () => {
    await using rack = await Rack.up({ kind: 'dead' });
    const bench = rack.bench();
    const both = [1, 2].map(() => bed.driver.power.getPowerState(bench.context()));
    const started = performance.now();
    setTimeout(() => bench.abort.abort(), 200);
    for (const call of await Promise.allSettled(both)) {
      expect(call).toMatchObject({ status: 'rejected', reason: { code: 'cancelled' } });
    }
    expect(performance.now() - started).toBeLessThan(6_000);
  });

  it('shows no password in any argument list, log or error', async () => {
    await using rack = await Rack.up({ kind: 'slow', delay: 40 });
    const bench = rack.bench({ ipmi_hex_kg_key: Buffer.from('canary-kg-key').toString('hex') });
    const lines = new Set<string>();
    let done = false;
    const sampling = (async () => {
      while (!done) {
        for (const line of commandLines()) lines.add(line);
        await sleep(5);
      }
    })();
    await bed.driver.power.getPowerState(rack.bench().context());
    const kg: unknown = await bed.driver.power
      .getPowerState(bench.context())
      .catch((error: unknown) => error);
    done = true;
    await sampling;
    const all = [...lines].filter((line) => line.includes('ipmitool'));
    expect(all.length).toBeGreaterThan(0); // the sampler saw them at work
    // Of every process on the machine; its other files may be called after canaries too.
    expect([...lines].join('\n')).not.toMatch(/canary-(bmc|oper|kg)|63616e6172792d/);
    expect(bench.lines.join('\n')).not.toMatch(/canary|63616e617279/);
    // The virtual BMC has no Kg: the key reached ipmitool, which saw that it does not match.
    expect(kg).toMatchObject({ code: 'bmc-authentication' });
    expect(String(kg)).not.toMatch(/canary/);
  });

  it.each([
    ['endless', 'yes', /answer is endless/],
    ['hanging', 'sleep 600', /does not answer in time/],
    ['senseless', 'echo Chassis Power is purple', /ipmitool failed/],
    ['ended by a signal', 'kill -SEGV $$', /ended by SIGSEGV/],
  ])('an ipmitool that is %s costs one error, and no process stays', async (name, script, text) => {
    const program = join(bed.directory, `ipmitool-${name.replaceAll(' ', '-')}`);
    writeFileSync(program, `#!/bin/sh\nexec 3>${program}.pid; echo $$ >&3\n${script}\n`, { mode: 0o755 });
    const hostile = build({
      program,
      min_response_timeout: 0.2,
      max_response_timeout: 0.2,
      command_retry_timeout: 1,
    });
    const node = new DriverBench({ driver_info: { ipmi_address: '127.0.0.1', ipmi_password: CANARY } });
    const error: unknown = await hostile.power.getPowerState(node.context()).catch((e: unknown) => e);
    expect(String(error)).toMatch(text);
    expect(String(error)).not.toContain('canary');
    expect(existsSync(`/proc/${readFileSync(`${program}.pid`, 'utf8').trim()}`)).toBe(false);
  });

  it('spares ipmitool its list of enterprise numbers', async () => {
    await using rack = await Rack.up();
    const cpu = async (home: string) => {
      const command = {
        file: 'ipmitool',
        args: [
          '-I',
          'lanplus',
          '-H',
          '127.0.0.1',
          '-p',
          String(rack.port),
          '-U',
          'admin',
          '-E',
          'power',
          'status',
        ],
        env: { IPMITOOL_PASSWORD: CANARY, HOME: home, LANG: 'C' },
        timeout: 5_000,
      };
      let total = 0;
      for (let i = 0; i < 10; i++) total += (await runCommand(command)).duration;
      return total / 10;
    };
    const without = await cpu('/nonexistent');
    const withStub = await cpu(join(bed.directory, 'ipmitool-home'));
    process.stderr.write(
      `ipmitool call: ${without.toFixed(1)} ms, with the stub ${withStub.toFixed(1)} ms\n`,
    );
    expect(withStub).toBeLessThan(without);
  });
});

/** p95 in ms of a round of power status at healthy BMCs. */
async function healthyRound(at: IpmitoolBed['driver'], count: number): Promise<number> {
  const racks = await Promise.all(Array.from({ length: count }, () => Rack.up()));
  try {
    const times = await Promise.all(
      racks.map(async (rack) => {
        const started = performance.now();
        expect(await at.power.getPowerState(rack.bench().context())).toBe('power off');
        return performance.now() - started;
      }),
    );
    return Math.round(times.toSorted((a, b) => a - b)[Math.floor(count * 0.95) - 1]!);
  } finally {
    await Promise.all(racks.map((rack) => rack.bmc.close()));
  }
}

/** A port on all loopback addresses that hears and says nothing. */
function createDeadPort(): AsyncDisposable & { port: Promise<number> } {
  const socket = createSocket('udp4');
  socket.bind(0, '0.0.0.0');
  return {
    port: once(socket, 'listening').then(() => socket.address().port),
    [Symbol.asyncDispose]: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
}

function commandLines(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')];
      } catch {
        return []; // gone since
      }
    });
}
