import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { copyMigratedCluster } from './cluster-template.js';
import { freePort } from './free-port.js';

const PROGRAM = new URL('../../dist/src/main.js', import.meta.url).pathname;

export interface RunningDaemon {
  readonly process: ChildProcess;
  /** Base URL of the operators' API. */
  readonly url: string;
  readonly agentUrl: string;
  /** All its output so far. */
  log(): string;
  /** Sends a JSON request; throws for a status of 400 and above. */
  api(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>;
  /** Resolves with the exit code or the signal. */
  readonly ended: Promise<number | string>;
  stop(): Promise<void>;
}

/** Environment of a daemon that is kept between its runs: data directory, ports and configuration. */
export class DaemonHome {
  readonly directory = mkdtempSync(join(tmpdir(), 'ferric-daemon-'));
  readonly #runs: RunningDaemon[] = [];
  #ports: { api: number; agent: number; http: number } | undefined;

  constructor(private readonly config: Record<string, unknown> = {}) {
    if (!existsSync(PROGRAM)) throw new Error('the daemon is not built: npm run build');
    chmodSync(this.directory, 0o755);
  }

  /**
   * @param env further settings as FERRIC_* variables
   * @param before a program, with arguments, that replaces itself by the daemon
   * @param program the daemon's entry point, with arguments of its own
   */
  async start(
    env: Record<string, string> = {},
    before: readonly string[] = [],
    program: readonly string[] = [PROGRAM],
  ): Promise<RunningDaemon> {
    const daemon = await this.launch(env, before, program);
    if (await this.isReady(daemon)) return daemon;
    throw new Error(`the daemon did not start:\n${daemon.log()}`);
  }

  /** @returns false if the daemon ends first, or is not ready in time */
  async isReady(daemon: RunningDaemon): Promise<boolean> {
    for (let i = 0; i < 600; i++) {
      if (daemon.log().includes('ferric is ready')) return true;
      if (daemon.process.exitCode !== null || daemon.process.signalCode !== null) return false;
      await sleep(50);
    }
    return false;
  }

  /** Like `start`, for a daemon that may end before it is ready. First stops one that a failed test left running. */
  async launch(
    env: Record<string, string> = {},
    before: readonly string[] = [],
    entry: readonly string[] = [PROGRAM],
  ): Promise<RunningDaemon> {
    await this.#stopRunning();
    this.#ports ??= { api: await freePort(), agent: await freePort(), http: await freePort() };
    const ports = this.#ports;
    const database = join(this.directory, 'data', 'postgresql');
    if (!existsSync(database)) await copyMigratedCluster(database);
    const file = join(this.directory, 'ferric.yaml');
    const settings = merge(
      {
        data_dir: join(this.directory, 'data'),
        api: { listen: { port: ports.api } },
        agent: { listen: { port: ports.agent } },
        netboot: { http: { port: ports.http } },
      },
      this.config,
    );
    writeFileSync(file, stringify(settings));
    const [program, ...args] = [...before, process.execPath, ...entry, '--config', file];
    const child = spawn(program!, args, {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (part) => (text += part));
    const ended = new Promise<number | string>((resolve) =>
      child.once('exit', (code, signal) => resolve(signal ?? code ?? -1)),
    );
    const url = `http://127.0.0.1:${ports.api}`;
    const daemon: RunningDaemon = {
      process: child,
      url,
      agentUrl: `http://127.0.0.1:${ports.agent}`,
      log: () => text,
      ended,
      api: (method, path, body) => request(url + path, method, body),
      stop: async () => {
        child.kill('SIGTERM');
        await ended;
      },
    };
    this.#runs.push(daemon);
    return daemon;
  }

  /** Output of all runs. */
  log(): string {
    return this.#runs.map((run) => run.log()).join('\n');
  }

  async #stopRunning(): Promise<void> {
    for (const run of this.#runs)
      if (run.process.exitCode === null && run.process.signalCode === null) await run.stop();
  }

  /** Ends everything that still runs, the embedded database included, and removes the directory. */
  async remove(): Promise<void> {
    const last = this.#runs.at(-1);
    await this.#stopRunning();
    // A killed daemon leaves its database server: another run takes it over and stops it.
    if (last && last.process.exitCode !== 0) await (await this.start()).stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

async function request(url: string, method: string, body?: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', 'x-openstack-ironic-api-version': '1.90' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (response.status >= 400) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return text ? (JSON.parse(text) as Record<string, unknown>) : {};
}

function merge(base: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const merged = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const both = [merged[key], value];
    merged[key] = both.every((v) => typeof v === 'object' && v !== null && !Array.isArray(v))
      ? merge(both[0] as Record<string, unknown>, both[1] as Record<string, unknown>)
      : value;
  }
  return merged;
}
