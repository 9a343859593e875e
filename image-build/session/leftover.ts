import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, isAlive, type ProcessIdentity } from '../process/process-identity.js';

/** Variable in the environment of a build's programs: its scratch directory, which identifies its processes. */
export const MARK = 'FERRIC_BUILD_SCRATCH';

const read = (action: () => string): string => {
  try {
    return action();
  } catch (error) {
    // The process has just ended, or belongs to another user.
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return '';
    throw error;
  }
};

/** Processes of the build in `scratch`, in whatever process group and session. */
function processesOf(scratch: string): ProcessIdentity[] {
  const found: ProcessIdentity[] = [];
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const pid = Number(name);
    if (pid === process.pid) continue;
    const environment = read(() => readFileSync(`/proc/${name}/environ`, 'utf8')).split('\0');
    if (!environment.includes(`${MARK}=${scratch}`)) continue;
    const identity = identify(pid);
    if (identity !== null) found.push(identity);
  }
  return found;
}

/** Sends SIGTERM, then SIGKILL after `grace` milliseconds. @returns when none is left */
export async function endProcessesOf(scratch: string, grace = 3_000): Promise<void> {
  const late = performance.now() + grace;
  for (let tries = 0; ; tries++) {
    const left = processesOf(scratch);
    if (left.length === 0) return;
    const forced = performance.now() > late;
    if (forced && performance.now() > late + 10_000)
      throw new Error(`processes of the build do not end: ${left.map(({ pid }) => pid).join(', ')}`);
    for (const identity of left)
      if ((tries === 0 || forced) && isAlive(identity)) signal(identity.pid, forced ? 'SIGKILL' : 'SIGTERM');
    await sleep(50);
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Mount points below a directory, the deepest first. */
export function mountsBelow(directory: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .map((path) => path.replace(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(parseInt(code, 8))))
    .filter((path) => path.startsWith(`${directory}/`))
    .reverse();
}

/** @throws Error naming a mount that cannot be removed */
export function unmountBelow(directory: string): void {
  for (const path of mountsBelow(directory))
    if (mountsBelow(directory).includes(path))
      execFileSync('umount', ['--lazy', '--', path], { stdio: 'pipe' });
  const left = mountsBelow(directory);
  if (left.length > 0) throw new Error(`still mounted: ${left.join(', ')}`);
}

/** Loop devices whose backing file is below a directory. */
export function loopDevicesOf(directory: string): string[] {
  return readdirSync('/sys/block')
    .filter((name) => name.startsWith('loop'))
    .filter((name) =>
      read(() => readFileSync(`/sys/block/${name}/loop/backing_file`, 'utf8')).startsWith(`${directory}/`),
    )
    .map((name) => `/dev/${name}`);
}

/** Detaches the loop devices, and deletes links in /dev/mapper to them and their partitions (of a kpartx stand-in). */
export function detachLoopDevices(directory: string): void {
  for (const device of loopDevicesOf(directory)) {
    const mapper = '/dev/mapper';
    for (const name of existsSync(mapper) ? readdirSync(mapper) : []) {
      const link = join(mapper, name);
      const target = lstatSync(link).isSymbolicLink() ? readlinkSync(link) : '';
      if (target === device || target.startsWith(`${device}p`)) rmSync(link);
    }
    const name = device.slice('/dev/'.length);
    const partitions = readdirSync(`/sys/block/${name}`).filter((entry) => entry.startsWith(`${name}p`));
    if (partitions.length > 0) execFileSync('partx', ['--delete', device], { stdio: 'pipe' });
    execFileSync('losetup', ['--detach', device], { stdio: 'pipe' });
  }
}
