import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  identify,
  isAlive,
  killGroup,
  type ProcessIdentity,
} from '../../image-build/process/process-identity.js';

/** The lab of this name is up already. */
export class LabIsUp extends Error {}

interface Entries {
  owner: ProcessIdentity;
  processes: ProcessIdentity[];
  namespaces: string[];
  links: string[];
}

/**
 * What a lab has started, in a file beside it, so that the next run can end what a killed one left behind:
 * only what is written here, and only processes whose start time still fits.
 */
export class Ledger {
  readonly #path: string;
  readonly #entries: Entries;

  private constructor(path: string) {
    this.#path = path;
    this.#entries = { owner: identify(process.pid)!, processes: [], namespaces: [], links: [] };
  }

  /** @throws LabIsUp when the lab of this directory is up, in another process or in this one */
  static open(directory: string): Ledger {
    mkdirSync(directory, { recursive: true });
    sweep(directory);
    const ledger = new Ledger(join(directory, 'ledger.json'));
    ledger.#write();
    return ledger;
  }

  addProcess(pid: number): void {
    const identity = identify(pid);
    if (identity === null) return; // it has ended already
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

  /** Ends and removes everything at once, without waiting: for the end of the lab's own process. */
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

/** The owner of a lab that is up, or null. */
export function ownerOf(directory: string): ProcessIdentity | null {
  const path = join(directory, 'ledger.json');
  if (!existsSync(path)) return null;
  const { owner } = JSON.parse(readFileSync(path, 'utf8')) as Entries;
  return isAlive(owner) ? owner : null;
}

/**
 * Removes what a killed lab has left.
 * @returns whether there was anything
 * @throws LabIsUp when its own process is alive
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
  // Removing a link or a namespace that is gone already is no fault, anything else is.
  for (const link of entries.links)
    if (existsSync(`/sys/class/net/${link}`)) execFileSync('ip', ['link', 'delete', link], { stdio: 'pipe' });
  for (const namespace of entries.namespaces)
    if (existsSync(`/run/netns/${namespace}`))
      execFileSync('ip', ['netns', 'delete', namespace], { stdio: 'pipe' });
}

/** Names of the labs below `root` that have a ledger, with whether they are up. */
export function labsUnder(root: string): { name: string; owner: ProcessIdentity | null }[] {
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .filter((name) => existsSync(join(root, name, 'ledger.json')))
    .map((name) => ({ name, owner: ownerOf(join(root, name)) }));
}
