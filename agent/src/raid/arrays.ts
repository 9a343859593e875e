import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { messageOf } from '../error.js';
import type { runProgram } from '../run-program.js';

export type Run = typeof runProgram;

/** A running software RAID array. */
export interface RaidArray {
  /** `/dev/md0`. */
  device: string;
  /** Without the host name that mdadm prefixes. */
  name: string;
  uuid: string;
  /** Partitions or disks. */
  members: string[];
  /** The disks of the members. */
  disks: string[];
}

/**
 * Starts the arrays on the disks: the ramdisk has no udev to do it.
 * @throws ProgramError for a ramdisk without mdadm
 */
export async function assembleArrays(run: Run, sys = '/sys'): Promise<RaidArray[]> {
  // Exit code 1 or 2: no array. An array with too few members for its level is not started.
  await run('mdadm', ['--assemble', '--scan'], { accept: [0, 1, 2] });
  return readArrays(run, sys);
}

/** The running arrays according to the kernel; name and UUID from mdadm. */
export async function readArrays(run: Run, sys = '/sys'): Promise<RaidArray[]> {
  const arrays: RaidArray[] = [];
  for (const entry of readdirSync(join(sys, 'class/block'))
    .filter((name) => /^md\d+$/.test(name))
    .sort()) {
    const dir = join(sys, 'class/block', entry);
    const slaves = readdirSync(join(dir, 'slaves')).sort();
    // A stopped array leaves an entry without members.
    if (slaves.length === 0) continue;
    const device = `/dev/${entry}`;
    const { stdout } = await run('mdadm', ['--detail', '--export', device]);
    const field = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(stdout)?.[1]?.trim() ?? '';
    arrays.push({
      device,
      name: field('MD_NAME').replace(/^.*:/, ''),
      uuid: field('MD_UUID').toLowerCase(),
      members: slaves.map((name) => `/dev/${name}`),
      disks: [...new Set(slaves.map((name) => diskOf(sys, name)))],
    });
  }
  return arrays;
}

/** The disk of a partition, or the disk itself. */
function diskOf(sys: string, name: string): string {
  const dir = realpathSync(join(sys, 'class/block', name));
  try {
    readFileSync(join(dir, 'partition'));
    return `/dev/${basename(dirname(dir))}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return `/dev/${name}`;
    throw new Error(`${name} cannot be looked at: ${messageOf(error)}`, { cause: error });
  }
}
