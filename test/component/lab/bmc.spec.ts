import { execFile, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as tick } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BootRegister } from '../../../lab/bmc/boot-register.js';
import type { Machine } from '../../../lab/bmc/machine.js';
import { type BmcEvent, VirtualBmc } from '../../../lab/bmc/virtual-bmc.js';
import type { BootDevice } from '../../../src/protocol/ipmi/boot-flags.js';
import { CHASSIS, NET_FN } from '../../../src/protocol/ipmi/command.js';

const run = promisify(execFile);
const PASSWORDS = { admin: 'canary-admin-pw', oper: 'canary-oper-pw', wrong: 'no such password' };

class PaperMachine implements Machine {
  readonly name = 'paper';
  readonly bootDevices: readonly BootDevice[] = ['pxe', 'disk'];
  readonly boot = new BootRegister();
  readonly done: string[] = [];
  fails = false;
  #on = false;
  isOn = () => this.#on;
  on = async () => this.#act('on', true);
  off = async () => this.#act('off', false);
  reset = async () => this.#act('reset', true);
  soft = async () => this.#act('soft', false);
  #act(what: string, on: boolean) {
    if (this.fails) throw new Error('the power supply is broken');
    this.done.push(what);
    this.#on = on;
  }
}

/** A UDP relay that doubles what the client sends, or loses each first answer inside a session. */
class Relay implements Disposable {
  lost = 0;
  readonly #up = createSocket('udp4');
  readonly #repeated = new Set<number>();
  readonly port: number;
  private constructor(
    readonly down: Socket,
    target: number,
    how: { duplicate?: boolean; loseAnswers?: boolean },
  ) {
    this.port = down.address().port;
    let client = 0;
    let requests = 0;
    down.on('message', (bytes, from) => {
      client = from.port;
      requests++;
      for (let i = 0; i < (how.duplicate ? 2 : 1); i++) this.#up.send(bytes, target, '127.0.0.1');
    });
    this.#up.on('message', (bytes) => {
      const inSession = bytes[4] === 6 && (bytes[5]! & 0xc0) === 0xc0;
      if (how.loseAnswers && inSession && requests % 2 === 0 && !this.#repeated.has(requests)) {
        this.lost++;
        this.#repeated.add(requests);
        return;
      }
      down.send(bytes, client, '127.0.0.1');
    });
  }
  static async to(target: number, how: { duplicate?: boolean; loseAnswers?: boolean }): Promise<Relay> {
    const down = createSocket('udp4').bind(0, '127.0.0.1');
    await once(down, 'listening');
    return new Relay(down, target, how);
  }
  [Symbol.dispose](): void {
    this.down.close();
    this.#up.close();
  }
}

/** A virtual BMC on a port of its own, and the real ipmitool that asks it. */
class Bench implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'lab-bmc-'));
  readonly machine = new PaperMachine();
  readonly events: BmcEvent[] = [];
  readonly bmc = new VirtualBmc({
    machine: this.machine,
    users: [
      { name: 'admin', password: PASSWORDS.admin, privilege: 'administrator' },
      { name: 'oper', password: PASSWORDS.oper, privilege: 'operator' },
    ],
    maxSessions: 3,
    flagTimeout: 300,
    onEvent: (event) => this.events.push(event),
  });
  port = 0;

  static async up(): Promise<Bench> {
    const bench = new Bench();
    for (const [name, password] of Object.entries(PASSWORDS))
      writeFileSync(join(bench.directory, name), password);
    ({ port: bench.port } = await bench.bmc.listen(0));
    return bench;
  }

  readonly ipmi = async (
    args: string,
    options: { user?: string; file?: string; extra?: string; at?: number } = {},
  ) => {
    const { user = 'admin', file = user, extra = '-C 17 -N 1 -R 1', at = this.port } = options;
    const fixed = `-I lanplus -H 127.0.0.1 -p ${at} -U ${user} -f ${join(this.directory, file)}`;
    const all = `${fixed} ${extra} ${args}`.split(' ').filter(Boolean);
    const started = performance.now();
    const result = await run('ipmitool', all, { env: { PATH: process.env['PATH'] } }).then(
      ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
      (error: { code: number; stdout: string; stderr: string }) => ({
        code: error.code,
        out: error.stdout,
        err: error.stderr,
      }),
    );
    const out = result.out.trim();
    return { code: result.code, out, err: result.err.trim(), took: performance.now() - started };
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bmc.close();
    rmSync(this.directory, { recursive: true });
    expect(JSON.stringify(this.events)).not.toContain('canary');
  }
}

describe('a virtual BMC before the real ipmitool', () => {
  let bench: Bench;
  let { directory, machine, bmc, port, events, ipmi } = {} as Bench;

  beforeEach(async () => {
    bench = await Bench.up();
    ({ directory, machine, bmc, port, events, ipmi } = bench);
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  it.each([['-C 3'], ['-C 17'], ['']])(
    'powers on, cycles, resets and powers off with "%s"',
    async (extra) => {
      expect(await ipmi('power status', { extra })).toMatchObject({ code: 0, out: 'Chassis Power is off' });
      for (const [verb, answer] of [
        ['on', 'Up/On'],
        ['cycle', 'Cycle'],
        ['reset', 'Reset'],
        ['soft', 'Soft'],
        ['on', 'Up/On'],
        ['off', 'Down/Off'],
      ]) {
        const result = await ipmi(`power ${verb}`, { extra });
        expect(result).toMatchObject({ code: 0, out: `Chassis Power Control: ${answer}` });
        expect(result.took, 'no time-out on the way, such as for an unknown PICMG request').toBeLessThan(
          4_000,
        );
      }
      expect(machine.done).toEqual(['on', 'off', 'on', 'reset', 'soft', 'on', 'off']);
      expect(await ipmi('power status', { extra })).toMatchObject({ code: 0, out: 'Chassis Power is off' });
    },
  );

  it.each([['0'], ['1'], ['2'], ['8'], ['15']])('refuses cipher suite %s', async (suite) => {
    const result = await ipmi('power status', { extra: `-C ${suite} -N 1 -R 1 -v` });
    expect(result.code).not.toBe(0);
    expect(result.err).toMatch(/Error in open session response message : invalid (auth|integ|conf)/);
    expect(bmc.sessionCount).toBe(0);
  });

  it('tells its device id, its GUID, its channel and its suites', async () => {
    const info = await ipmi('mc info');
    expect(info.out).toMatch(/IPMI Version\s+: 2\.0/);
    expect(info.out).toMatch(/Device ID\s+: 32/);
    expect((await ipmi('mc guid')).code).toBe(0);
    expect((await ipmi('mc selftest')).out).toBe('Selftest: passed');
    expect((await ipmi('channel info 1')).out).toMatch(/Channel Medium Type\s+: 802\.3 LAN/);
    const suites = await ipmi('channel getciphers ipmi 1');
    expect(suites.out).toMatch(/^3\s+N\/A\s+hmac_sha1\s+hmac_sha1_96\s+aes_cbc_128/m);
    expect(suites.out).toMatch(/^17\s+N\/A\s+hmac_sha256\s+sha256_128\s+aes_cbc_128/m);
    expect(suites.out.split('\n')).toHaveLength(3);
  });

  it('refuses a wrong password, an unknown user and a role above the user', async () => {
    const extra = '-C 17 -N 1 -R 1 -v';
    const wrong = await ipmi('power status', { file: 'wrong', extra });
    expect(wrong).toMatchObject({ code: 1 });
    expect(wrong.out + wrong.err).toContain('RAKP 2 HMAC is invalid');
    const unknown = await ipmi('power status', { user: 'nobody', file: 'admin', extra });
    expect(unknown.err).toContain('unauthorized name');
    const above = await ipmi('power status', { user: 'oper', extra });
    expect(above.err).toContain('unauthorized role requested');
    expect(machine.done).toEqual([]);
  });

  it('lets an operator work the power, and a user privilege only look', async () => {
    const extra = '-C 3 -N 1 -R 1 -L OPERATOR';
    expect(await ipmi('power on', { user: 'oper', extra })).toMatchObject({ code: 0 });
    const looking = '-C 3 -N 1 -R 1 -L USER';
    expect(await ipmi('power status', { user: 'oper', extra: looking })).toMatchObject({
      out: 'Chassis Power is on',
    });
    const refused = await ipmi('power off', { user: 'oper', extra: looking });
    expect(refused.err).toContain('Insufficient privilege level');
    expect(machine.isOn()).toBe(true);
  });

  it('keeps boot device, efi and persistence, and drops a one-shot when it was taken', async () => {
    await ipmi('chassis bootdev pxe options=efiboot,persistent');
    expect((await ipmi('chassis bootparam get 5')).out).toContain('Boot parameter data: e004000000');
    expect(machine.boot.take()).toEqual({ device: 'pxe', efi: true, persistent: true });
    expect(machine.boot.selection(), 'persistent flags stay').not.toBeNull();
    // The conductor's way for UEFI: no time-out, then one boot from disk.
    expect(await ipmi('raw 0x00 0x08 0x03 0x08')).toMatchObject({ code: 0, out: '' });
    expect((await ipmi('raw 0x00 0x08 0x05 0xa0 0x08 0 0 0')).code).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(machine.boot.take()).toEqual({ device: 'disk', efi: true, persistent: false });
    expect(machine.boot.selection()).toBeNull();
    expect((await ipmi('chassis bootparam get 5')).out).toContain('Boot Flag Invalid');
  });

  it('forgets a one-shot that no power command followed in time', async () => {
    await ipmi('raw 0x00 0x08 0x05 0x80 0x04 0 0 0');
    expect(machine.boot.selection()).not.toBeNull();
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(machine.boot.selection()).toBeNull();
  });

  it('refuses a boot device that its machine does not have', async () => {
    const result = await ipmi('chassis bootdev cdrom');
    expect(result.err).toMatch(/Invalid data field in request/);
    expect(machine.boot.selection()).toBeNull();
  });

  it('identifies itself', async () => {
    expect((await ipmi('chassis identify 1')).code).toBe(0);
    expect((await ipmi('raw 0 1')).out).toBe('00 00 50 00');
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    expect((await ipmi('raw 0 1')).out).toBe('00 00 40 00');
  });

  it('answers reset in the wrong state and unknown commands as the standard says', async () => {
    expect((await ipmi('power reset')).err).toContain('Command not supported in present state');
    expect((await ipmi('raw 0x2e 0x77')).err).toContain('rsp=0xc1');
    expect((await ipmi('power diag')).err).toContain('Invalid data field');
  });

  it('reports a power action that failed', async () => {
    machine.fails = true;
    expect((await ipmi('power on')).code).toBe(1);
    expect((await ipmi('chassis status')).out).toMatch(/Main Power Fault\s+: false|Power Fault\s+: true/);
    expect((await ipmi('raw 0 1')).out).toMatch(/^ ?08/);
    expect(events.filter((event) => event.kind === 'failed')).toHaveLength(1);
  });

  it('has so many places for sessions, half-open ones giving way', async () => {
    for (let i = 0; i < 8; i++) expect((await ipmi('power status')).code).toBe(0);
    expect(bmc.sessionCount, 'closed sessions free their place').toBe(0);
    for (let i = 0; i < 8; i++) await ipmi('power status', { file: 'wrong' });
    expect(bmc.sessionCount, 'clients that gave up leave theirs half-open').toBe(3);
    expect((await ipmi('power status')).code).toBe(0);
    const shells = [1, 2, 3].map(() => {
      const fixed = `-I lanplus -H 127.0.0.1 -p ${port} -U admin -f ${join(directory, 'admin')} -C 17 shell`;
      return spawn('ipmitool', fixed.split(' '), { stdio: ['pipe', 'pipe', 'ignore'] });
    });
    for (const shell of shells) {
      shell.stdin.write('power status\n');
      while (!String((await once(shell.stdout, 'data'))[0]).includes('Chassis Power is off')) await tick();
    }
    const full = await ipmi('power status', { extra: '-C 17 -N 1 -R 1 -v' });
    expect(full.err).toContain('insufficient resources');
    for (const shell of shells) {
      shell.stdin.end('exit\n');
      await once(shell, 'exit');
    }
    expect((await ipmi('power status')).code).toBe(0);
  });

  describe('with faults', () => {
    it('lying: claims on, accepts power on, does nothing', async () => {
      bmc.setFaults({ kind: 'lying', control: 'ignores' });
      expect((await ipmi('power on')).out).toBe('Chassis Power Control: Up/On');
      expect((await ipmi('power status')).out).toBe('Chassis Power is off');
      bmc.setFaults({ kind: 'lying', status: 'on' });
      expect((await ipmi('power status')).out).toBe('Chassis Power is on');
      expect(machine.isOn()).toBe(false);
    });

    it('wrong password: the right one is refused', async () => {
      bmc.setFaults({ kind: 'wrong-password' });
      const result = await ipmi('power status', { extra: '-C 17 -N 1 -R 1 -v' });
      expect(result.out + result.err).toContain('RAKP 2 HMAC is invalid');
    });

    it('unsupported: 0xc1', async () => {
      bmc.setFaults({
        kind: 'unsupported',
        commands: [{ netFn: NET_FN.chassis, command: CHASSIS.setBootOptions }],
      });
      expect((await ipmi('chassis bootdev pxe')).err).toContain('Invalid command');
      expect((await ipmi('power status')).code).toBe(0);
    });
  });

  describe('behind a bad network', () => {
    it('drops duplicates and replays', async () => {
      using relay = await Relay.to(port, { duplicate: true });
      await ipmi('power on');
      const result = await ipmi('power cycle', { at: relay.port });
      expect(result).toMatchObject({ code: 0, out: 'Chassis Power Control: Cycle' });
      expect(machine.done).toEqual(['on', 'off', 'on']);
      const outside = events.filter((event) => event.kind === 'dropped' && event.reason.includes('window'));
      expect(outside.length).toBeGreaterThan(0);
    });
  });

  it('stays alive and silent under ten thousand broken packets', async () => {
    const socket = createSocket('udp4');
    let answers = 0;
    socket.on('message', () => answers++);
    const seeds = ['0600ff07061000000000000000002000', '0600ff06000011be80000000', '0600ff0706c0'].map(
      (hex) => Buffer.from(hex, 'hex'),
    );
    for (let i = 0; i < 10_000; i++) {
      const tail = Buffer.from(Array.from({ length: i % 60 }, () => Math.floor(Math.random() * 256)));
      socket.send(Buffer.concat([seeds[i % seeds.length]!.subarray(0, i % 17), tail]), port, '127.0.0.1');
      if (i % 100 === 0) await tick();
    }
    expect((await ipmi('power status')).code).toBe(0);
    expect(events.filter((event) => event.kind === 'failed')).toEqual([]);
    expect(events.filter((event) => event.kind === 'dropped').length).toBeGreaterThan(1_000);
    socket.close();
    expect(answers).toBeLessThan(10_000);
  });
});

// These wait for answers that come late or never: side by side, the longest first.
describe.concurrent('a virtual BMC that keeps the real ipmitool waiting', () => {
  it('carries a repeated command out once when its answer got lost', async () => {
    await using bench = await Bench.up();
    const { machine, port, events, ipmi } = bench;
    using relay = await Relay.to(port, { loseAnswers: true });
    await ipmi('power on');
    events.length = 0;
    const result = await ipmi('power cycle', { at: relay.port, extra: '-C 17 -N 1 -R 4' });
    expect(result).toMatchObject({ code: 0, out: 'Chassis Power Control: Cycle' });
    expect(relay.lost, 'the session saw losses').toBeGreaterThan(2);
    expect(machine.done).toEqual(['on', 'off', 'on']);
  });

  it('slow: every answer late, the work done all the same', async () => {
    await using bench = await Bench.up();
    const { bmc, machine, ipmi } = bench;
    bmc.setFaults({ kind: 'slow', delay: 600 });
    const result = await ipmi('power on', { extra: '-C 17 -N 1 -R 4' });
    expect(result.code).toBe(0);
    expect(result.took).toBeGreaterThan(3_600);
    expect(machine.done).toEqual(['on']);
  });

  it('flapping: away, then back', async () => {
    await using bench = await Bench.up();
    const { bmc, ipmi } = bench;
    bmc.setFaults({ kind: 'flapping', up: 0, down: 700 });
    expect((await ipmi('power status')).code).toBe(1);
    bmc.setFaults({ kind: 'flapping', up: 60_000, down: 700 });
    expect((await ipmi('power status')).code).toBe(0);
  });

  it('dead: silent to everything', async () => {
    await using bench = await Bench.up();
    const { bmc, events, ipmi } = bench;
    bmc.setFaults({ kind: 'dead' });
    const result = await ipmi('power status', { extra: '-C 17 -N 1 -R 1 -v' });
    expect(result.code).toBe(1);
    expect(result.err).toContain('Get Auth Capabilities error');
    expect(events).toEqual([]);
  });
});
