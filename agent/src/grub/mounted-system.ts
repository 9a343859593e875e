import { lstat, mkdir, mkdtemp, readFile, readlink, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AgentLog } from '../agent-log.js';
import { commandExecution } from '../error.js';
import { runProgram } from '../run-program.js';

const MOST_LINKS = 32;
/** Largest file that is read: GRUB configurations and fstab. */
const MOST_BYTES = 4 * 2 ** 20;

/**
 * A system written to a partition, mounted. Its files are untrusted: every path is resolved inside of it, links
 * included, so that none leads into the ramdisk.
 */
export class MountedSystem {
  private readonly mounts: string[] = [];

  private constructor(
    readonly root: string,
    private readonly log: AgentLog,
  ) {}

  /** @param device of the root partition. @throws AgentError, ProgramError */
  static async mount(device: string, log: AgentLog): Promise<MountedSystem> {
    const root = await mkdtemp('/tmp/system-');
    const system = new MountedSystem(root, log);
    try {
      await system.attach(device, root, []);
    } catch (error) {
      await system.unmount();
      throw error;
    }
    return system;
  }

  /** Mounts an EFI system partition at the system's mount point. */
  async mountEsp(device: string): Promise<string> {
    const path = await this.place('/boot/efi');
    await mkdir(path, { recursive: true });
    await this.attach(device, path, ['-t', 'vfat']);
    return path;
  }

  /** The path on this machine of a path in the system. @throws AgentError for a loop of links */
  async place(path: string): Promise<string> {
    return placeInside(this.root, path);
  }

  /** The first of these paths that exists. */
  async firstOf(paths: readonly string[]): Promise<string | undefined> {
    for (const path of paths) {
      if (await stat(await this.place(path)).catch(absent)) return path;
    }
    return undefined;
  }

  /** @throws AgentError for what is not a file, or too large: reading a pipe would block for ever */
  async read(path: string): Promise<string | undefined> {
    return readInside(this.root, path);
  }

  /** @throws AgentError when something other than a file has the path */
  async write(path: string, text: string): Promise<void> {
    const at = await this.place(path);
    const found = await lstat(at).catch(absent);
    if (found && !found.isFile()) throw commandExecution(`${path} of the image is no file`);
    await mkdir(dirname(at), { recursive: true });
    await writeFile(at, text);
  }

  /** Unmounts everything in reverse order. @throws ProgramError: written data may not be on the disk then */
  async unmount(): Promise<void> {
    for (const path of this.mounts.splice(0).reverse()) await runProgram('umount', [path]);
    await rmdir(this.root).catch((error: unknown) =>
      this.log.say(`${this.root} could not be removed: ${String(error)}`),
    );
  }

  private async attach(device: string, path: string, options: readonly string[]): Promise<void> {
    await runProgram('mount', ['-o', 'nodev,nosuid,noexec', ...options, device, path]);
    this.mounts.push(path);
  }
}

/**
 * Resolves a path inside a root, links included; the last part need not exist.
 * @throws AgentError for a loop of links
 */
export async function placeInside(root: string, path: string): Promise<string> {
  let links = 0;
  const done: string[] = [];
  const left = path.split('/').filter(Boolean);
  while (left.length > 0) {
    const part = left.shift()!;
    if (part === '.') continue;
    if (part === '..') {
      done.pop();
      continue;
    }
    const here = join(root, ...done, part);
    const found = await lstat(here).catch(absent);
    if (!found?.isSymbolicLink()) {
      done.push(part);
      continue;
    }
    if (++links > MOST_LINKS) throw commandExecution(`${path} of the image is a circle of links`);
    const target = await readlink(here);
    if (target.startsWith('/')) done.length = 0;
    left.unshift(...target.split('/').filter(Boolean));
  }
  return join(root, ...done);
}

/** A file inside a root, undefined if missing; see `MountedSystem.read`. */
export async function readInside(root: string, path: string): Promise<string | undefined> {
  const at = await placeInside(root, path);
  const found = await lstat(at).catch(absent);
  if (!found) return undefined;
  if (!found.isFile()) throw commandExecution(`${path} of the image is no file`);
  if (found.size > MOST_BYTES) throw commandExecution(`${path} of the image has ${found.size} bytes`);
  return readFile(at, 'utf8');
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}
