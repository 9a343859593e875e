import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FerricError } from '../../domain/errors.js';
import type { Logger } from '../../platform/logger.js';

const FAST_SHUTDOWN = 10_000;
const IMMEDIATE_SHUTDOWN = 20_000;

export interface ClusterPlaces {
  data: string;
  socket: string;
}

/**
 * Makes sure that no server runs on a cluster: stops one that an earlier daemon left, and removes lock files whose pid
 * now belongs to another program. The caller holds the data directory's lock, so no daemon owns a server found here.
 * A server is identified by its working directory, which is its cluster's (`ChangeToDataDir`, postmaster.c), never by
 * its command line. Lock files stay where possible: PostgreSQL itself checks one whose process is gone, and also
 * whether shared memory of that server is still in use.
 * @throws FerricError with a remedy when a server cannot be stopped or reached
 */
export async function vacate(places: ClusterPlaces, log: Logger): Promise<void> {
  const file = join(places.data, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  const there = inhabitants(places.data);
  if (there.includes(pid)) {
    log.warn({ pid }, 'stopping the database server that an earlier daemon left');
    signal(pid, 'SIGINT');
  }
  if (!(await emptied(places.data, FAST_SHUTDOWN))) {
    for (const left of inhabitants(places.data)) signal(left, 'SIGQUIT');
    if (!(await emptied(places.data, IMMEDIATE_SHUTDOWN))) {
      const left = inhabitants(places.data).join(', ');
      throw new FerricError(
        'conflict',
        `PostgreSQL still runs on ${places.data} (pid ${left}) and does not end; end it`,
      );
    }
  }
  if (!existsSync(file)) return;
  if (await answers(join(places.socket, '.s.PGSQL.5432'))) {
    throw new FerricError(
      'conflict',
      `a PostgreSQL that is not to be seen from here, maybe of another container, serves ${places.data}: stop it first`,
    );
  }
  if (!isAlive(pid)) return;
  log.warn(
    { pid },
    'removing the lock files of a database server: their number belongs to another program now',
  );
  for (const stale of [file, join(places.socket, '.s.PGSQL.5432.lock'), join(places.socket, '.s.PGSQL.5432')])
    rmSync(stale, { force: true });
}

/** Processes whose working directory is the cluster's. */
export function inhabitants(data: string): number[] {
  const wanted = realpathSync(data);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && workingDirectory(name) === wanted)
    .map(Number);
}

/** null when the process is gone or may not be inspected; our own server always may. */
function workingDirectory(pid: string): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
}

async function emptied(data: string, timeout: number): Promise<boolean> {
  for (const end = performance.now() + timeout; performance.now() < end; await sleep(50))
    if (inhabitants(data).length === 0) return true;
  return false;
}

function isAlive(pid: number): boolean {
  return Number.isInteger(pid) && pid > 0 && existsSync(`/proc/${pid}`);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // ESRCH: it has ended already
  }
}

async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false; // nobody listens, or the socket does not exist
  } finally {
    socket.destroy();
  }
}
