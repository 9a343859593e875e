import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { identify, isAlive, type ProcessIdentity } from '../process/process-identity.js';
import { makeDirectory } from './directory.js';
import { detachLoopDevices, endProcessesOf, unmountBelow } from './leftover.js';

const PREFIX = 'ferric-build-';
const LEDGER = 'ledger.json';

interface Entries {
  owner: ProcessIdentity;
  /** Files outside the directory that are not whole yet. */
  partial: string[];
}

/**
 * A directory for one build, with a ledger in it. Whatever is found below it when the build ends, or when a later
 * one starts after this one was killed, is taken back: processes that were told of it, mounts, loop devices, files,
 * and the partial files that the ledger names.
 */
export class Scratch {
  readonly #entries: Entries = { owner: identify(process.pid)!, partial: [] };

  private constructor(readonly path: string) {}

  /** @param base where builds keep their directories; killed ones that are found there are cleared first */
  static async open(base: string): Promise<Scratch> {
    makeDirectory(base);
    await sweep(base);
    const scratch = new Scratch(mkdtempSync(join(resolve(base), PREFIX)));
    scratch.#write();
    return scratch;
  }

  /** A file that is removed unless `whole` is told of it. */
  partial(path: string): void {
    this.#entries.partial.push(resolve(path));
    this.#write();
  }

  whole(path: string): void {
    this.#entries.partial = this.#entries.partial.filter((other) => other !== resolve(path));
    this.#write();
  }

  /** @throws Error when something below it can't be unmounted; nothing that is mounted is ever deleted */
  async clear(): Promise<void> {
    await clear(this.path, this.#entries);
  }

  #write(): void {
    const path = join(this.path, LEDGER);
    writeFileSync(`${path}.part`, JSON.stringify(this.#entries));
    renameSync(`${path}.part`, path);
  }
}

/** Clears what killed builds left below `base`. @returns their directories */
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

/** Undefined: a directory that has no ledger yet, or is just being removed, belongs to somebody who is at work. */
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
  // The ledger goes last: a removal that is interrupted is carried on by the next sweep.
  for (const name of readdirSync(path).filter((entry) => entry !== LEDGER))
    await rm(join(path, name), { recursive: true, force: true });
  await rm(path, { recursive: true, force: true });
}
