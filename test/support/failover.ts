import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { type Cluster, DATABASE_USER, prepareCluster } from '../../src/database/embedded/cluster.js';
import { createLogger } from '../../src/platform/logger.js';
import { copyMigratedCluster } from './cluster-template.js';
import { freePort } from './free-port.js';

/** One PostgreSQL server on loopback, without a password. */
export class PgServer {
  #process: ChildProcess | null = null;

  constructor(
    private readonly cluster: Cluster,
    private readonly hba: string,
    readonly port: number,
  ) {}

  async start(): Promise<void> {
    const settings = {
      listen_addresses: '127.0.0.1',
      port: String(this.port),
      unix_socket_directories: '',
      hba_file: this.hba,
      // Not below those of the template, which the standby reads from its log.
      max_connections: '220',
      shared_buffers: '16MB',
      fsync: 'off',
    };
    const options = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
    const { file, args, cwd } = this.cluster.command('postgres', ['-D', this.cluster.data, ...options]);
    this.#process = spawn(file, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
    let words = '';
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => (words += text));
    for (let tries = 0; ; tries++) {
      try {
        return void (await this.ask('select'));
      } catch (error) {
        if (tries === 200) throw new Error(`the server does not start: ${words}`, { cause: error });
        await sleep(50);
      }
    }
  }

  /** As a crash: nothing is written any more, and connections break. */
  async crash(): Promise<void> {
    const server = this.#process;
    if (!server || server.exitCode !== null) return;
    const ended = once(server, 'exit');
    server.kill('SIGQUIT');
    await ended;
  }

  promote(): void {
    const { file, args, cwd } = this.cluster.command('pg_ctl', ['promote', '-w', '-D', this.cluster.data]);
    execFileSync(file, args, { cwd, stdio: 'ignore' });
  }

  async ask<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
    const client = new Client({
      host: '127.0.0.1',
      port: this.port,
      user: DATABASE_USER,
      database: 'postgres',
      query_timeout: 10_000,
    });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Row>(text, values)).rows;
    } finally {
      await (client.end() as Promise<void>);
    }
  }
}

/** A primary and its standby; a commit waits for both. */
export class ReplicatedPair implements AsyncDisposable {
  private constructor(
    private readonly directory: string,
    readonly first: PgServer,
    readonly second: PgServer,
  ) {}

  static async up(): Promise<ReplicatedPair> {
    const directory = mkdtempSync(join(tmpdir(), 'ferric-pair-'));
    chmodSync(directory, 0o755);
    const hba = join(directory, 'hba.conf');
    writeFileSync(hba, 'host all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n', {
      mode: 0o644,
    });
    const log = createLogger('error');
    const server = async (name: string) => {
      await copyMigratedCluster(join(directory, name));
      const cluster = await prepareCluster(join(directory, name), 'ferric-postgres', log);
      return { cluster, server: new PgServer(cluster, hba, await freePort()) };
    };
    const [first, second] = [await server('first'), await server('second')];
    const pair = new ReplicatedPair(directory, first.server, second.server);
    appendFileSync(
      join(second.cluster.data, 'postgresql.auto.conf'),
      `\nprimary_conninfo = 'host=127.0.0.1 port=${first.server.port} user=${DATABASE_USER} application_name=second'\n`,
    );
    writeFileSync(join(second.cluster.data, 'standby.signal'), '', { mode: 0o644 });
    try {
      await first.server.start();
      await second.server.start();
      await pair.replicated();
      await first.server.ask(`alter system set synchronous_standby_names = 'second'`);
      await first.server.ask('select pg_reload_conf()');
    } catch (error) {
      await pair[Symbol.asyncDispose]();
      throw error;
    }
    return pair;
  }

  /** Until the standby follows. */
  async replicated(): Promise<void> {
    for (let tries = 0; ; tries++) {
      const rows = await this.first.ask<{ state: string }>('select state from pg_stat_replication');
      if (rows.some(({ state }) => state === 'streaming')) return;
      if (tries === 200) throw new Error('the standby does not follow');
      await sleep(50);
    }
  }

  /** @param order the first one asked stands first */
  url(...order: readonly PgServer[]): string {
    return `postgresql://${DATABASE_USER}@${order.map(({ port }) => `127.0.0.1:${port}`).join(',')}/postgres`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.first.crash();
    await this.second.crash();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
