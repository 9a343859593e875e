import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledError, FerricError, messageOf } from '../domain/errors.js';
import { contained, detached } from '../platform/boundary.js';
import type { Logger } from '../platform/logger.js';
import { type Cluster, DATABASE_USER, prepareCluster } from './embedded/cluster.js';
import { vacate } from './embedded/inhabitants.js';

/** Most ms until a server is ready: after a crash it first replays its WAL. */
const START_DEADLINE = 600_000;
/** ms without an exit after which earlier exits no longer count. */
const QUIET = 600_000;
const BACKOFF_FIRST = 250;
const BACKOFF_MOST = 30_000;
const FAST_SHUTDOWN = 10_000;

export interface EmbeddedServer {
  /** Connection settings for pg and TypeORM; there is no TCP listener. */
  readonly connection: { host: string; port: number; username: string; database: string };
  /** Fast shutdown: clients are disconnected, everything committed is kept. */
  stop(): Promise<void>;
  readonly pid: number;
}

export interface EmbeddedServerOptions {
  /** Account of the operating system that the server runs under when the daemon is root. */
  account?: string;
  /** How often in a row a server that exits by itself is restarted. */
  restarts?: number;
  /** Called when the server is not restarted any more. */
  onLost?: (reason: string) => void;
}

/**
 * Starts PostgreSQL 18 from this platform's npm package on a Unix socket, creates the cluster the first time, and
 * restarts the server when it exits by itself.
 * @param directory contains the cluster and its socket; created if missing
 */
export async function startEmbeddedServer(
  directory: string,
  log: Logger,
  { account = 'ferric-postgres', restarts = 5, onLost = () => undefined }: EmbeddedServerOptions = {},
): Promise<EmbeddedServer> {
  const cluster = await prepareCluster(directory, account, log);
  const server = new SupervisedServer(cluster, log, restarts, onLost);
  await server.start();
  return server;
}

class SupervisedServer implements EmbeddedServer {
  #server: ChildProcess | null = null;
  #stopping = false;
  /** Exits in a row. */
  #ends = 0;
  #startedAt = 0;
  /** The last error that the server printed. */
  #lastWords = '';

  constructor(
    private readonly cluster: Cluster,
    private readonly log: Logger,
    private readonly restarts: number,
    private readonly onLost: (reason: string) => void,
  ) {}

  get connection() {
    return { host: this.cluster.socket, port: 5432, username: DATABASE_USER, database: 'postgres' };
  }

  get pid(): number {
    return this.#server?.pid ?? 0;
  }

  /** @throws FerricError when the server exits before it is ready */
  async start(): Promise<void> {
    if (this.#stopping) throw new CancelledError();
    const server = this.#launch();
    this.#server = server;
    if (!(await ready(server, join(this.cluster.data, 'postmaster.pid')))) {
      await end(server);
      const why = this.#lastWords || `exit ${server.signalCode ?? server.exitCode}`;
      throw new FerricError('unavailable', `PostgreSQL did not start: ${why}`);
    }
    this.#startedAt = performance.now();
    const lost = () => this.#again(server);
    if (server.exitCode !== null || server.signalCode !== null) lost();
    else server.once('exit', contained('postgres: end', lost, lost));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#server) await end(this.#server);
  }

  #again({ signalCode, exitCode }: ChildProcess): void {
    if (this.#stopping) return;
    const how = signalCode ?? `exit status ${exitCode}`;
    if (performance.now() - this.#startedAt > QUIET) this.#ends = 0;
    this.log.error({ ended: how, words: this.#lastWords }, 'PostgreSQL ended by itself; starting it again');
    const failed = (error: unknown) => this.onLost(`PostgreSQL is not started again: ${messageOf(error)}`);
    detached('postgres: restart', this.#restart(how), failed);
  }

  async #restart(how: string): Promise<void> {
    for (let why = how; !this.#stopping; ) {
      if (++this.#ends > this.restarts) {
        this.onLost(`PostgreSQL ended ${this.#ends} times in a row, last: ${this.#lastWords || why}`);
        return;
      }
      await sleep(Math.min(BACKOFF_FIRST * 2 ** (this.#ends - 1), BACKOFF_MOST));
      if (this.#stopping) return;
      try {
        await vacate(this.cluster, this.log);
        await this.start();
        this.log.info({ pid: this.pid }, 'PostgreSQL runs again');
        return;
      } catch (error) {
        why = messageOf(error);
        this.log.error({ error: why }, 'PostgreSQL could not be started again');
      }
    }
  }

  #launch(): ChildProcess {
    const { data, settings } = this.cluster;
    const options = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
    const { file, args, cwd } = this.cluster.command('postgres', ['-D', data, ...options]);
    // Own process group: Ctrl-C in a terminal reaches only the daemon, which stops the server in order.
    const server = spawn(file, args, {
      cwd,
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    });
    this.#lastWords = '';
    server.stderr.setEncoding('utf8').on('data', contained('postgres: log', this.#hear.bind(this)));
    const failed = (error: Error) => {
      this.#lastWords = error.message;
      this.log.error({ error: error.message }, 'postgres could not be run');
    };
    server.on('error', contained('postgres: process', failed));
    return server;
  }

  #hear(text: string): void {
    for (const line of text.split('\n').filter((part) => part.trim())) {
      const grave = /\b(WARNING|ERROR|FATAL|PANIC):/.exec(line)?.[1];
      this.log[grave ? 'warn' : 'debug']({ postgres: line.trim() }, 'postgres');
      if (grave === 'FATAL' || grave === 'PANIC') this.#lastWords = line.slice(line.indexOf(grave)).trim();
    }
  }
}

/** postmaster.pid: line 1 is the server's pid, line 8 its status (storage/lmgr: AddToDataDirLockFile). */
async function ready(server: ChildProcess, pidFile: string): Promise<boolean> {
  for (const late = performance.now() + START_DEADLINE; performance.now() < late; await sleep(10)) {
    if (server.exitCode !== null || server.signalCode !== null || server.pid === undefined) return false;
    const lines = existsSync(pidFile) ? readFileSync(pidFile, 'utf8').split('\n') : [];
    // The pid distinguishes our server's file from one that a killed server left.
    if (lines[0] === String(server.pid) && lines[7]?.trim() === 'ready') return true;
  }
  return false;
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null || server.pid === undefined) return;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGINT');
  const quit = () => server.kill('SIGQUIT');
  const late = setTimeout(contained('postgres: stop', quit, quit), FAST_SHUTDOWN);
  await ended;
  clearTimeout(late);
}
