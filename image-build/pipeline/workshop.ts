import { readdirSync, writeFileSync } from 'node:fs';
import { link, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FerricError, UnsupportedError } from '../../src/domain/errors.js';
import { identify, isAlive, type ProcessIdentity } from '../process/process-identity.js';
import { sha256Of } from '../session/artefact.js';
import type { Artefact, StepSpec } from './graph.js';
import { isOfFamily, type StepRecord, type StepRecords } from './plan.js';
import { STEPS, type StepName } from './step-name.js';

/** Directory of internal files in a working directory, apart from the user's files. */
const OWN = '.ferric';

interface Seen {
  size: number;
  mtimeMs: number;
  sha256: string;
}

interface Ledger {
  version: 1;
  records: StepRecords;
  /** Files outside the working directory, with a checksum that is valid while size and mtime are unchanged. */
  seen: Record<string, Seen>;
  /** Name → hash: what was published last, and the images that the surveys belong to. */
  notes: Record<string, string>;
}

/**
 * A working directory. The outputs of each step are in a directory of that step and are never changed afterwards; the
 * role's file names are links to the latest of them. A ledger records the inputs of each step.
 */
export class Workshop {
  private constructor(
    readonly directory: string,
    private readonly ledger: Ledger,
  ) {}

  /**
   * Reads a working directory without changing it; ledger entries of missing files are left out.
   * @throws UnsupportedError if it contains files that no pipeline made
   */
  static async look(directory: string): Promise<Workshop> {
    const workshop = new Workshop(directory, await readLedger(directory));
    await workshop.#forgetMissing();
    return workshop;
  }

  /**
   * Opens it exclusively for this process.
   * @throws UnsupportedError while another process works there, or if it contains files that no pipeline made
   */
  static async open(directory: string, startOver: boolean): Promise<Workshop> {
    await readLedger(directory); // throws if it is not a pipeline's
    const own = join(directory, OWN);
    await mkdir(own, { recursive: true });
    await takeLock(join(own, 'lock.json'));
    if (startOver) {
      for (const name of readdirSync(directory))
        if (name !== OWN) await rm(join(directory, name), { recursive: true, force: true });
      for (const name of readdirSync(own))
        if (name !== 'lock.json') await rm(join(own, name), { recursive: true, force: true });
    }
    const workshop = await Workshop.look(directory);
    await workshop.#write();
    return workshop;
  }

  async close(): Promise<void> {
    await rm(join(this.directory, OWN, 'lock.json'), { force: true });
  }

  get records(): StepRecords {
    return this.ledger.records;
  }

  noteOf(name: string): string | undefined {
    return this.ledger.notes[name];
  }

  async setNote(name: string, hash: string): Promise<void> {
    this.ledger.notes[name] = hash;
    await this.#write();
  }

  /** A path in the working directory. */
  path(...names: string[]): string {
    return join(this.directory, ...names);
  }

  /** A path in the directory of internal files. */
  ownPath(...names: string[]): string {
    return join(this.directory, OWN, ...names);
  }

  artefactPath({ step, name }: Artefact): string {
    return join(this.#stepDirectory(step), name);
  }

  /** Files of an artefact: the artefact itself, or all of `NAME.*`. */
  artefactFiles({ step, name }: Artefact): string[] {
    const made = Object.keys(this.records[step]?.outputs ?? {});
    return made.filter((file) => (name.endsWith('.*') ? isOfFamily(file, name) : file === name));
  }

  /** Links a step's inputs under the names that scripts and manifests use. */
  async show(step: StepSpec): Promise<void> {
    for (const artefact of step.artefacts)
      for (const name of this.artefactFiles(artefact)) await this.#show({ step: artefact.step, name });
  }

  /**
   * Moves a step's outputs into its directory, all or none.
   * @param files name → present path, on the same file system
   */
  async keep(
    step: StepSpec,
    files: Readonly<Record<string, string>>,
    record: Omit<StepRecord, 'outputs'>,
    signal: AbortSignal,
  ): Promise<void> {
    const outputs: Record<string, Seen> = {};
    const fresh = `${this.#stepDirectory(step.name)}.new`;
    await rm(fresh, { recursive: true, force: true });
    await mkdir(fresh, { recursive: true });
    for (const [name, path] of Object.entries(files)) {
      outputs[name] = { sha256: await sha256Of(path, signal), ...looks(await stat(path)) };
      await rename(path, join(fresh, name));
    }
    const gone = Object.keys(this.records[step.name]?.outputs ?? {}).filter((name) => !(name in files));
    // A crash between here and the second write leaves the step undone.
    delete this.ledger.records[step.name];
    await this.#write();
    await rm(this.#stepDirectory(step.name), { recursive: true, force: true });
    await rename(fresh, this.#stepDirectory(step.name));
    this.ledger.records[step.name] = { ...record, outputs };
    await this.#write();
    for (const name of gone) await rm(this.path(name), { force: true });
    for (const name of Object.keys(files)) await this.#show({ step: step.name, name });
  }

  /** Checksum of an external file, computed again only if size or mtime has changed. */
  async sumOf(path: string): Promise<string> {
    const now = looks(await stat(path));
    const known = this.ledger.seen[path];
    if (known && known.size === now.size && known.mtimeMs === now.mtimeMs) return known.sha256;
    const sha256 = await sha256Of(path);
    this.ledger.seen[path] = { ...now, sha256 };
    return sha256;
  }

  #stepDirectory(step: StepName): string {
    const { number } = STEPS.find(({ name }) => name === step)!;
    return this.ownPath(`${String(number).padStart(2, '0')}-${step}`);
  }

  async #show(artefact: Artefact): Promise<void> {
    const staged = this.ownPath('link');
    await rm(staged, { force: true });
    await link(this.artefactPath(artefact), staged);
    await rename(staged, this.path(artefact.name));
    await rm(staged, { force: true }); // rename does nothing if both names are links to one file
  }

  /** A step counts as not done if its files are missing or changed. */
  async #forgetMissing(): Promise<void> {
    for (const name of Object.keys(this.records) as StepName[]) {
      for (const [file, was] of Object.entries(this.records[name]!.outputs) as [string, Seen][]) {
        const now = await statIfThere(this.artefactPath({ step: name, name: file }));
        if (now && now.size === was.size && now.mtimeMs === was.mtimeMs) continue;
        delete this.ledger.records[name];
        break;
      }
    }
  }

  async #write(): Promise<void> {
    const path = this.ownPath('ledger.json');
    await writeFile(`${path}.part`, JSON.stringify(this.ledger, null, 1));
    await rename(`${path}.part`, path);
  }
}

function looks({ size, mtimeMs }: { size: number; mtimeMs: number }): { size: number; mtimeMs: number } {
  return { size, mtimeMs };
}

async function statIfThere(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function readLedger(directory: string): Promise<Ledger> {
  const empty: Ledger = { version: 1, records: {}, seen: {}, notes: {} };
  let text: string;
  try {
    text = await readFile(join(directory, OWN, 'ledger.json'), 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') throw error;
    const stands = (await statIfThere(directory))
      ? readdirSync(directory).filter((name) => name !== OWN)
      : [];
    if (stands.length === 0) return empty;
    throw new UnsupportedError(
      `artib_working_dir: ${directory} holds files that no pipeline made (${stands.slice(0, 3).join(', ')}); name another directory, or empty it`,
    );
  }
  const ledger = JSON.parse(text) as Ledger;
  if (ledger.version === 1) return ledger;
  throw new UnsupportedError(`${directory} was written by a newer version of Ferric`);
}

async function takeLock(path: string): Promise<void> {
  for (let tries = 0; tries < 3; tries++) {
    try {
      writeFileSync(path, JSON.stringify(identify(process.pid)), { flag: 'wx' });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const owner = await ownerOf(path);
    if (owner && isAlive(owner))
      throw new UnsupportedError(`process ${owner.pid} works in this directory already (${path})`);
    await rm(path, { force: true });
  }
  throw new FerricError('conflict', `${path} is taken again and again`);
}

/** Undefined: deleted meanwhile, or truncated by a crash. */
async function ownerOf(path: string): Promise<ProcessIdentity | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as ProcessIdentity;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
