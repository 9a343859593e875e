import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { endDatabase } from '../demo/rack-daemon.js';
import type { LoopFigures } from './loop-probe.js';

const STOP_DEADLINE = 40_000;
const program = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const PROBE = program('./loop-probe.js');

/** A process with the loop probe loaded. */
export class ProbedProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly ended: Promise<void>;

  constructor(
    args: readonly string[],
    private readonly file: string,
    namespace?: string,
  ) {
    // Its log goes to a file, as the references' does: a reader of each line would distort the measurement.
    const log = openSync(this.log, 'w');
    // `ip netns exec` replaces itself by the program, so the process id is the program's.
    const within = namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace];
    const [program, ...rest] = [...within, process.execPath, ...args];
    this.child = spawn(program!, rest, {
      stdio: ['ignore', log, 'inherit'],
      // A process group of its own: Ctrl-C reaches the bench only, which then ends the process.
      detached: true,
      env: { ...process.env, LOOP_PROBE: file },
    });
    closeSync(log);
    this.ended = new Promise((resolve) => this.child.once('exit', () => resolve()));
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Path of the file with its standard output. */
  get log(): string {
    return `${this.file}.log`;
  }

  /** Figures since the last call. @throws Error when the process does not respond */
  async figures(): Promise<LoopFigures> {
    const lines = () => (existsSync(this.file) ? readFileSync(this.file, 'utf8').split('\n') : ['']);
    const before = lines().length;
    this.child.kill('SIGUSR2');
    for (let i = 0; i < 1_000; i++) {
      const now = lines();
      if (now.length > before) return JSON.parse(now.at(-2)!) as LoopFigures;
      await sleep(10);
    }
    throw new Error(`process ${this.pid} does not answer the probe`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGTERM');
    const force = setTimeout(() => this.child.kill('SIGKILL'), STOP_DEADLINE);
    await this.ended;
    clearTimeout(force);
  }
}

/** Ferric's daemon, started as by `npm start`. */
export class BenchDaemon extends ProbedProcess {
  readonly ready: Promise<void>;

  /**
   * @param directory parent of its data directory, `data`
   * @param namespace network namespace; default: this process's
   * @param main the daemon's main module; default: this build's
   */
  constructor(
    private readonly directory: string,
    config: string,
    namespace?: string,
    main = program('../src/main.js'),
  ) {
    const flags = process.env['BENCH_NODE_FLAGS']?.split(' ') ?? [];
    const args = [...flags, '--import', PROBE, main, '--config', config];
    super(args, join(directory, 'daemon.probe'), namespace);
    this.ready = this.#started();
    this.ready.catch(() => undefined); // the code that awaits it gets the error
  }

  async #started(): Promise<void> {
    while (!readFileSync(this.log, 'utf8').includes('"ferric is ready"')) {
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(`the daemon ended:\n${readFileSync(this.log, 'utf8').slice(-4_000)}`);
      }
      await sleep(50);
    }
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    for (const line of readFileSync(this.log, 'utf8').split('\n')) {
      if (line !== '' && (!line.startsWith('{') || line.includes('"level":"error"'))) {
        console.error(line.slice(0, 400));
      }
    }
    await endDatabase(join(this.directory, 'data')); // a killed daemon leaves it behind
  }
}

/** An idle process: delays of its event loop are caused by the machine. */
export function probeIdle(directory: string): ProbedProcess {
  return new ProbedProcess([PROBE, 'idle'], join(directory, 'idle.probe'));
}
