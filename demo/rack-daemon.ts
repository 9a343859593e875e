import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import type { Lab } from '../lab/lab.js';
import type { LabProcess } from '../lab/process/lab-process.js';

const START_DEADLINE = 120_000;
const STOP_DEADLINE = 35_000;

/** Ferric's daemon inside a lab's namespace. Its data directory is kept between its runs. */
export class RackDaemon {
  /** Log of all runs. */
  readonly logPath: string;
  readonly dataDir: string;
  readonly #program: string;
  #process: LabProcess | undefined;

  constructor(
    private readonly lab: Lab,
    private readonly config: Readonly<Record<string, unknown>>,
  ) {
    this.#program = builtProgram();
    this.logPath = join(lab.directory, 'daemon.log');
    writeFileSync(this.logPath, '');
    // PostgreSQL runs under another account, which need not be able to enter the folder of the lab.
    this.dataDir = mkdtempSync(join(tmpdir(), 'ferric-rack-'));
    chmodSync(this.dataDir, 0o755);
    writeFileSync(noteOf(lab.directory), JSON.stringify({ dataDir: this.dataDir }));
  }

  get running(): boolean {
    return this.#process?.running === true;
  }

  /** Settles when the present run ends, however it ends. */
  get exited(): LabProcess['exited'] {
    if (this.#process === undefined) throw new Error('the daemon was not started');
    return this.#process.exited;
  }

  /**
   * Resolves once the API serves.
   * @param env further settings as FERRIC_* variables
   * @param signal ends the waiting, not the daemon
   * @throws Error with the last lines of its log
   */
  async start(env: Readonly<Record<string, string>> = {}, signal?: AbortSignal): Promise<void> {
    const file = join(this.lab.directory, 'ferric.yaml');
    writeFileSync(file, stringify({ data_dir: this.dataDir, ...this.config }), { mode: 0o600 });
    const from = readFileSync(this.logPath).length;
    const log = openSync(this.logPath, 'a');
    try {
      this.#process = await this.lab.start(process.execPath, [this.#program, '--config', file], {
        stdio: ['ignore', log, log],
        env: { PATH: process.env['PATH'], ...env },
      });
    } finally {
      closeSync(log);
    }
    const late = performance.now() + START_DEADLINE;
    while (!this.log().slice(from).includes('ferric is ready')) {
      if (!this.#process.running || performance.now() > late) {
        throw new Error(`the daemon did not start: ${this.log().slice(from).slice(-1_500)}`);
      }
      await sleep(50, undefined, signal ? { signal } : {});
    }
  }

  log(): string {
    return readFileSync(this.logPath, 'utf8');
  }

  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  /** Ends the daemon by a signal, and waits for its shutdown. */
  async stop(): Promise<void> {
    await this.#process?.end(STOP_DEADLINE);
  }

  /** Ends the daemon as `stop` does, and removes its data directory. */
  async remove(): Promise<void> {
    await this.stop();
    await endDatabase(this.dataDir);
    // A program that has just been ended may still be removing files.
    rmSync(this.dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    rmSync(noteOf(this.lab.directory), { force: true });
  }
}

/** Removes what a killed run of this lab left outside its folder: its data directory and the database server in it. */
export async function sweepDaemon(directory: string): Promise<void> {
  const note = noteOf(directory);
  if (!existsSync(note)) return;
  const { dataDir } = JSON.parse(readFileSync(note, 'utf8')) as { dataDir: string };
  await endDatabase(dataDir);
  rmSync(dataDir, { recursive: true, force: true });
  rmSync(note);
}

/** Ends the PostgreSQL that a killed daemon left behind; does nothing when there is none. */
export async function endDatabase(dataDir: string): Promise<void> {
  const cluster = join(dataDir, 'postgresql/cluster');
  const pidFile = join(cluster, 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  const isServer = () => {
    const path = `/proc/${pid}/cmdline`;
    // The process id may have been reused: only a process that names this cluster is the server.
    return existsSync(path) && readFileSync(path, 'utf8').split('\0').includes(cluster);
  };
  if (!isServer()) return;
  process.kill(pid, 'SIGINT'); // PostgreSQL's fast shutdown
  for (let i = 0; i < 200 && isServer(); i++) await sleep(50);
  if (isServer()) process.kill(pid, 'SIGQUIT');
}

function noteOf(directory: string): string {
  return join(directory, 'daemon.json');
}

/** dist/src/main.js of this repository, found from the sources and from dist/ alike. */
function builtProgram(): string {
  for (let at = import.meta.dirname; at !== dirname(at); at = dirname(at)) {
    const program = join(at, 'dist/src/main.js');
    if (!existsSync(program)) continue;
    accessSync(program, constants.R_OK);
    return program;
  }
  throw new Error('the daemon is not built: npm run build');
}
