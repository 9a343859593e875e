import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  identify,
  isAlive,
  killGroup,
  type ProcessIdentity,
} from '../../image-build/process/process-identity.js';

/** A lab of this name already runs. */
export class LabIsUp extends Error {}

interface Entries {
  owner: ProcessIdentity;
  processes: ProcessIdentity[];
  namespaces: string[];
  links: string[];
}

/**
 * Record of what a lab has started, in a file, so that the next run can end what a killed one left behind. Only
 * recorded things are ended, and a process only if its start time matches.
 */
export class Ledger {
  readonly #path: string;
  readonly #entries: Entries;

  private constructor(path: string) {
    this.#path = path;
    this.#entries = { owner: identify(process.pid)!, processes: [], namespaces: [], links: [] };
  }

  /** @throws LabIsUp when the lab of this directory runs, in another process or in this one */
  static open(directory: string): Ledger {
    mkdirSync(directory, { recursive: true });
    sweep(directory);
    const ledger = new Ledger(join(directory, 'ledger.json'));
    ledger.#write();
    return ledger;
  }

  addProcess(pid: number): void {
    const identity = identify(pid);
    if (identity === null) return; // it has already ended
    this.#entries.processes.push(identity);
    this.#write();
  }

  removeProcess(pid: number): void {
    this.#entries.processes = this.#entries.processes.filter((process) => process.pid !== pid);
    this.#write();
  }

  addNamespace(name: string): void {
    this.#entries.namespaces.push(name);
    this.#write();
  }

  addLink(name: string): void {
    this.#entries.links.push(name);
    this.#write();
  }

  /** Ends and removes everything at once, without waiting: for the exit of the lab's process. */
  clearNow(): void {
    clear(this.#entries);
    rmSync(this.#path, { force: true });
  }

  #write(): void {
    const scratch = `${this.#path}.part`;
    writeFileSync(scratch, JSON.stringify(this.#entries));
    renameSync(scratch, this.#path);
  }
}

/** The owner of a running lab, or null. */
export function ownerOf(directory: string): ProcessIdentity | null {
  const path = join(directory, 'ledger.json');
  if (!existsSync(path)) return null;
  const { owner } = JSON.parse(readFileSync(path, 'utf8')) as Entries;
  return isAlive(owner) ? owner : null;
}

/**
 * Removes what a killed lab has left.
 * @returns whether there was anything to remove
 * @throws LabIsUp when its process is alive
 */
export function sweep(directory: string): boolean {
  const path = join(directory, 'ledger.json');
  if (!existsSync(path)) return false;
  const entries = JSON.parse(readFileSync(path, 'utf8')) as Entries;
  if (isAlive(entries.owner))
    throw new LabIsUp(`the lab in ${directory} is up, as process ${entries.owner.pid}`);
  clear(entries);
  rmSync(path, { force: true });
  return true;
}

function clear(entries: Entries): void {
  for (const process of entries.processes) if (isAlive(process)) killGroup(process.pid, 'SIGKILL');
  // A link or namespace that is already gone is no fault; any other failure is.
  for (const link of entries.links)
    if (existsSync(`/sys/class/net/${link}`)) execFileSync('ip', ['link', 'delete', link], { stdio: 'pipe' });
  for (const namespace of entries.namespaces)
    if (existsSync(`/run/netns/${namespace}`))
      execFileSync('ip', ['netns', 'delete', namespace], { stdio: 'pipe' });
}

/** Names of the labs below `root` that have a ledger, and their owner if they run. */
export function labsUnder(root: string): { name: string; owner: ProcessIdentity | null }[] {
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .filter((name) => existsSync(join(root, name, 'ledger.json')))
    .map((name) => ({ name, owner: ownerOf(join(root, name)) }));
}
