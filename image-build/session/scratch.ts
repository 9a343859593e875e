import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { identify, isAlive, type ProcessIdentity } from '../process/process-identity.js';
import { makeDirectory } from './directory.js';
import { detachLoopDevices, endProcessesOf, unmountBelow } from './leftover.js';

const PREFIX = 'ferric-build-';
const LEDGER = 'ledger.json';

interface Entries {
  owner: ProcessIdentity;
  /** Incomplete files outside the directory. */
  partial: string[];
}

/**
 * A directory for one build, with a ledger in it. When the build ends, or a later one starts after this one was killed,
 * everything of it is removed: processes that have it in their environment, mounts, loop devices, files, and the
 * partial files of the ledger.
 */
export class Scratch {
  readonly #entries: Entries = { owner: identify(process.pid)!, partial: [] };

  private constructor(readonly path: string) {}

  /** @param base parent of builds' directories; those of killed builds in it are removed first */
  static async open(base: string): Promise<Scratch> {
    makeDirectory(base);
    await sweep(base);
    const scratch = new Scratch(mkdtempSync(join(resolve(base), PREFIX)));
    try {
      scratch.#write();
    } catch (error) {
      // Without a ledger no sweep would remove it.
      rmSync(scratch.path, { recursive: true, force: true });
      throw error;
    }
    return scratch;
  }

  /** Registers a file that is deleted unless `whole` is called for it. */
  partial(path: string): void {
    this.#entries.partial.push(resolve(path));
    this.#write();
  }

  whole(path: string): void {
    this.#entries.partial = this.#entries.partial.filter((other) => other !== resolve(path));
    this.#write();
  }

  /** @throws Error when a mount below it can't be removed; mounted files are never deleted */
  async clear(): Promise<void> {
    await clear(this.path, this.#entries);
  }

  #write(): void {
    const path = join(this.path, LEDGER);
    try {
      writeFileSync(`${path}.part`, JSON.stringify(this.#entries));
    } catch (error) {
      // Node.js names the path of an open, but not of a write.
      throw Object.assign(error as NodeJS.ErrnoException, { path: `${path}.part` });
    }
    renameSync(`${path}.part`, path);
  }
}

/** Removes what killed builds left below `base`. @returns their directories */
export async function sweep(base: string): Promise<string[]> {
  if (!existsSync(base)) return [];
  const cleared: string[] = [];
  for (const name of readdirSync(base).filter((entry) => entry.startsWith(PREFIX))) {
    const path = join(resolve(base), name);
    const entries = readLedger(path);
    if (entries === undefined || isAlive(entries.owner)) continue;
    await clear(path, entries);
    cleared.push(path);
  }
  return cleared;
}

/** Undefined: the directory has no ledger yet, or is just being removed; its owner is still at work. */
function readLedger(path: string): Entries | undefined {
  try {
    return JSON.parse(readFileSync(join(path, LEDGER), 'utf8')) as Entries;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function clear(path: string, { partial }: Entries): Promise<void> {
  await endProcessesOf(path);
  unmountBelow(path);
  detachLoopDevices(path);
  for (const file of partial) await rm(file, { force: true });
  // The ledger is deleted last: after an interruption the next sweep continues.
  for (const name of readdirSync(path).filter((entry) => entry !== LEDGER))
    await rm(join(path, name), { recursive: true, force: true });
  await rm(path, { recursive: true, force: true });
}
