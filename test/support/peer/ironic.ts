import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEmbeddedServer } from '../../../src/database/embedded-server.js';
import { createLogger } from '../../../src/platform/logger.js';
import { runCommand } from '../../../src/platform/run-command.js';
import { freePort } from '../free-port.js';

type Sections = Record<string, Record<string, string | number | boolean>>;

export interface PeerOptions {
  /** Options of ironic.conf by section, which override the peer's own. */
  config?: Sections;
  /** Network namespace of ironic-api and ironic-conductor. Default: this process's. */
  namespace?: string;
  /** Listening address of both. Default 127.0.0.1. */
  address?: string;
}

/** Ironic as packaged by Debian, with a running conductor. */
export interface IronicPeer {
  /** Base URL of its API, without a trailing slash. */
  readonly endpoint: string;
  /** Its state directory: `tftpboot`, `httpboot`, `images`, `log` and more; `stop` removes it. */
  readonly directory: string;
  /** Logs of API and conductor so far. */
  log(): string;
  /** Ends both and their database, and removes the directory. */
  stop(): Promise<void>;
}

/** Two minutes: an idle machine needs six seconds, a loaded one twenty and more. */
const DRIVER_POLLS = 1_200;
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' };

/**
 * Starts Debian's ironic-api and ironic-conductor: no authentication, JSON-RPC between them instead of a message
 * broker, a PostgreSQL of their own, every fake interface beside ipmi. Packages: group `peer` of
 * scripts/install-dependencies.sh.
 * @returns once its API lists a driver, which requires a live conductor
 */
export async function startIronicPeer(options: PeerOptions = {}): Promise<IronicPeer> {
  const directory = mkdtempSync(join(tmpdir(), 'ferric-ironic-'));
  chmodSync(directory, 0o755); // the database server runs under another account
  const address = options.address ?? '127.0.0.1';
  const endpoint = `http://${address}:${await freePort()}`;
  const database = await startEmbeddedServer(join(directory, 'database'), createLogger('error'));
  const { host, port, username, database: name } = database.connection;
  const connection = `postgresql+psycopg2://${username}@/${name}?host=${host}&port=${port}`;
  const config = join(directory, 'ironic.conf');
  const own = ownSections(directory, address, Number(new URL(endpoint).port), await freePort(), connection);
  writeFileSync(config, conf(own, options.config ?? {}));

  const programs: ChildProcess[] = [];
  const log = () => ['conductor', 'api'].map((program) => readLog(directory, program)).join('\n');
  let stopped: Promise<void> | undefined;
  const stopAll = async () => {
    await Promise.all(programs.map(end));
    await database.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  const stop = () => (stopped ??= stopAll());
  try {
    // Its migrations give the same tables, but take several times as long.
    await runCommand({
      file: '/usr/bin/ironic-dbsync',
      args: ['--config-file', config, 'create_schema'],
      timeout: 120_000,
    });
    for (const program of ['conductor', 'api']) {
      programs.push(launch(program, config, directory, options.namespace));
    }
    await ready(endpoint, programs, log, options.namespace);
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, directory, log, stop };
}

function ownSections(state: string, address: string, api: number, rpc: number, connection: string): Sections {
  const folder = (name: string) => {
    mkdirSync(join(state, name), { recursive: true });
    return join(state, name);
  };
  return {
    DEFAULT: {
      auth_strategy: 'noauth',
      rpc_transport: 'json-rpc',
      // The name by which the API reaches the conductor's JSON-RPC.
      host: address === '127.0.0.1' ? 'localhost' : address,
      my_ip: address,
      use_stderr: true,
      state_path: state,
      tempdir: folder('tmp'),
      enabled_hardware_types: 'fake-hardware,ipmi',
      enabled_bios_interfaces: 'no-bios,fake',
      enabled_boot_interfaces: 'ipxe,pxe,fake',
      enabled_console_interfaces: 'no-console,fake',
      enabled_deploy_interfaces: 'direct,fake',
      enabled_inspect_interfaces: 'no-inspect,fake',
      enabled_management_interfaces: 'ipmitool,fake,noop',
      enabled_network_interfaces: 'noop',
      enabled_power_interfaces: 'ipmitool,fake',
      enabled_raid_interfaces: 'no-raid,agent,fake',
      enabled_rescue_interfaces: 'no-rescue,fake',
      enabled_storage_interfaces: 'noop,fake',
      enabled_vendor_interfaces: 'ipmitool,no-vendor,fake',
      default_network_interface: 'noop',
    },
    api: { host_ip: address, port: api, api_workers: 1 },
    json_rpc: { auth_strategy: 'noauth', host_ip: address, port: rpc },
    database: { connection },
    agent: { certificates_path: folder('certificates') },
    dhcp: { dhcp_provider: 'none' },
    service_catalog: { auth_type: 'none', endpoint_override: `http://${address}:${api}` },
    deploy: { http_url: `http://${address}:8080`, http_root: folder('httpboot') },
    pxe: {
      tftp_server: address,
      tftp_root: folder('tftpboot'),
      tftp_master_path: folder('master/tftp'),
      instance_master_path: folder('master/instance'),
      images_path: folder('images'),
    },
    oslo_concurrency: { lock_path: folder('locks') },
  };
}

function conf(own: Sections, over: Sections): string {
  const names = new Set([...Object.keys(own), ...Object.keys(over)]);
  return [...names]
    .map((name) => {
      const lines = Object.entries({ ...own[name], ...over[name] }).map(
        ([key, value]) => `${key} = ${value}`,
      );
      return `[${name}]\n${lines.join('\n')}\n`;
    })
    .join('\n');
}

function launch(program: string, config: string, directory: string, namespace?: string): ChildProcess {
  const output = openSync(join(directory, `${program}.log`), 'a');
  // `ip netns exec` replaces itself by the program, so the pid is Ironic's.
  const inside = namespace === undefined ? [] : ['/sbin/ip', 'netns', 'exec', namespace];
  const [file, ...args] = [...inside, `/usr/bin/ironic-${program}`, '--config-file', config];
  return spawn(file!, args, {
    cwd: directory,
    stdio: ['ignore', output, output],
    env: { ...ENVIRONMENT, HOME: directory },
  });
}

function readLog(directory: string, program: string): string {
  return readFileSync(join(directory, `${program}.log`), 'utf8');
}

async function ready(endpoint: string, programs: ChildProcess[], log: () => string, namespace?: string) {
  for (let poll = 0; poll < DRIVER_POLLS; poll++) {
    if (await listsDrivers(endpoint, namespace)) return;
    if (programs.some(hasEnded)) break;
    await sleep(100);
  }
  throw new Error(`Debian’s Ironic did not start:\n${log().slice(-4_000)}`);
}

/** Whether its API lists drivers, which it does for live conductors. */
async function listsDrivers(endpoint: string, namespace?: string): Promise<boolean> {
  const url = `${endpoint}/v1/drivers`;
  if (namespace === undefined) {
    const answer = await fetch(url).catch(() => null);
    return answer?.ok === true && (await answer.text()).includes('"fake-hardware"');
  }
  const args = ['netns', 'exec', namespace, 'curl', '--silent', url];
  const { stdout } = await runCommand({ file: 'ip', args, timeout: 10_000 }).catch(() => ({ stdout: '' }));
  return stdout.includes('"fake-hardware"');
}

const hasEnded = (program: ChildProcess) => program.exitCode !== null || program.signalCode !== null;

/** A conductor waits for running work before it ends; after ten seconds it is killed, with its workers. */
async function end(program: ChildProcess): Promise<void> {
  if (hasEnded(program)) return;
  const children = readFileSync(`/proc/${program.pid}/task/${program.pid}/children`, 'utf8');
  const ended = once(program, 'exit');
  program.kill('SIGTERM');
  const force = setTimeout(() => {
    program.kill('SIGKILL');
    for (const pid of children.split(' ').filter(Boolean).map(Number)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
  }, 10_000);
  await ended;
  clearTimeout(force);
}
