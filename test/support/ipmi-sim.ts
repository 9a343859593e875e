import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.js';

/** Chassis control script of OpenIPMI's simulator; the power state is a file. */
const CHASSIS = `#!/bin/sh
# chassis.sh <mc> get|set|reset|shutdown ...
state=STATE
shift
op=$1
shift
case "$op" in
get)
  for what in "$@"; do
    case "$what" in
    power) echo "power:$(cat "$state")" ;;
    boot) echo "boot:default" ;;
    *) exit 1 ;;
    esac
  done ;;
set)
  while [ $# -gt 1 ]; do
    case "$1" in
    power) echo "$2" >"$state" ;;
    reset | boot) ;;
    shutdown) echo 0 >"$state" ;;
    *) exit 1 ;;
    esac
    shift 2
  done ;;
*) exit 1 ;;
esac
`;

/** The BMC simulator of Debian's openipmi: cipher suites up to 3, no list of suites, IPMI 1.5 too. */
export class IpmiSim implements AsyncDisposable {
  private constructor(
    readonly port: number,
    private readonly directory: string,
    private readonly child: ChildProcess,
  ) {}

  static async up(): Promise<IpmiSim> {
    const directory = mkdtempSync(join(tmpdir(), 'ferric-ipmi-sim-'));
    const at = (name: string) => join(directory, name);
    const port = await freePort();
    writeFileSync(at('power'), '0\n');
    writeFileSync(at('chassis.sh'), CHASSIS.replace('STATE', at('power')), { mode: 0o755 });
    writeFileSync(
      at('lan.conf'),
      `name "sim"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 ${port}
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "${at('chassis.sh')} 0x20"
  user 1 true "" "test" user 10 none md2 md5 straight
  user 2 true "admin" "secret" admin 10 none md2 md5 straight
`,
    );
    writeFileSync(
      at('sim.emu'),
      'mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr\nmc_enable 0x20\n',
    );
    mkdirSync(at('state'));
    const args = ['-c', at('lan.conf'), '-f', at('sim.emu'), '-s', at('state'), '-n'];
    const child = spawn('ipmi_sim', args, { stdio: 'ignore' });
    await once(child, 'spawn');
    await sleep(500);
    if (child.exitCode !== null || !existsSync(at('power')))
      throw new Error(`ipmi_sim: exit ${child.exitCode}`);
    return new IpmiSim(port, directory, child);
  }

  get power(): string {
    return readFileSync(join(this.directory, 'power'), 'utf8').trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null) {
      const ended = once(this.child, 'exit');
      this.child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}
