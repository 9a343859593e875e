import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { ConflictError, InvalidError, NotFoundError, UnsupportedError } from '../../src/domain/errors.js';
import { MissingToolsError, ProgramError } from '../error.js';
import { missingTools } from '../probe/tool.js';
import { run } from '../process/run.js';

/**
 * Path of the disk of a libvirt machine that is shut down.
 * @param connect libvirt's URI; undefined: virsh's default
 * @throws ConflictError when it is not shut down
 * @throws UnsupportedError when it has no disk, several, or one that is not a file
 */
export async function diskOfDomain(name: string, connect?: string): Promise<string> {
  const missing = missingTools(['virsh']);
  if (missing.length > 0) throw new MissingToolsError(missing);
  const virsh = async (...args: string[]) => {
    try {
      return await run('virsh', [...(connect === undefined ? [] : ['-c', connect]), ...args]);
    } catch (error) {
      if (error instanceof ProgramError && /failed to get domain/.test(error.output))
        throw new NotFoundError(`libvirt knows no machine ${name}`);
      throw error;
    }
  };
  const state = (await virsh('domstate', '--domain', name)).trim();
  if (state !== 'shut off')
    throw new ConflictError(`the machine ${name} is ${state}: shut it down first (virsh shutdown ${name})`);
  // Columns Type, Device, Target, Source; only Source may contain blanks.
  const disks = [
    ...(await virsh('domblklist', '--details', '--domain', name)).matchAll(
      /^\s*(\S+)\s+disk\s+(\S+)\s+(.+?)\s*$/gm,
    ),
  ];
  if (disks.length !== 1)
    throw new UnsupportedError(
      disks.length === 0
        ? `the machine ${name} has no disk`
        : `the machine ${name} has ${disks.length} disks (${disks.map((disk) => disk[3]).join(', ')}): name the file of one`,
    );
  const [, type, target, source] = disks[0]!;
  if (type !== 'file')
    throw new UnsupportedError(`disk ${target} of the machine ${name} is no file but a ${type}: ${source}`);
  return source!;
}

/**
 * @throws ConflictError naming the processes that have the file open: a running machine would change it during the copy
 * @throws InvalidError when it is not a readable file
 */
export function refuseInUse(file: string): void {
  let path: string;
  try {
    path = realpathSync(file);
  } catch (error) {
    throw new InvalidError(
      `${file}: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : String(error)}`,
    );
  }
  const users: string[] = [];
  for (const pid of readdirSync('/proc').filter(
    (name) => /^\d+$/.test(name) && name !== String(process.pid),
  )) {
    const open = quietly(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
    if (open.some((fd) => quietly(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) === path)) {
      const name = quietly(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
      users.push(`${name ?? '?'} (process ${pid})`);
    }
  }
  if (users.length > 0)
    throw new ConflictError(`${file} is in use by ${users.join(', ')}: shut the machine down first`);
}

/** Undefined for a process that has just ended, or whose files this user may not see. */
function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined;
    throw error;
  }
}
