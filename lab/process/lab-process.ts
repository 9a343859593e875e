import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { killGroup } from '../../image-build/process/process-identity.js';
import type { Ledger } from './ledger.js';

export interface LabProcessOptions {
  file: string;
  args: readonly string[];
  /** Network namespace to run in. */
  namespace?: string;
  stdio: StdioOptions;
  ledger: Ledger;
  env?: NodeJS.ProcessEnv;
}

/**
 * A long-running child process: its own process group, recorded in the ledger. The kernel kills it when this process
 * dies for whatever reason (PR_SET_PDEATHSIG, set by setpriv because Node has no call for it).
 */
export class LabProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Settles when the process has ended; never rejects. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  #running = true;

  private constructor(
    child: ChildProcess,
    readonly ledger: Ledger,
  ) {
    this.child = child;
    this.pid = child.pid!;
    ledger.addProcess(this.pid);
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#running = false;
        ledger.removeProcess(this.pid);
        resolve({ code, signal });
      });
    });
  }

  /** @throws Error when the program can't be started */
  static async start(options: LabProcessOptions): Promise<LabProcess> {
    const { namespace, file, args, stdio, ledger, env } = options;
    const inside = namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace];
    const all = ['--pdeathsig', 'KILL', '--', ...inside, file, ...args];
    const child = spawn('setpriv', all, { stdio, detached: true, ...(env ? { env } : {}) });
    await once(child, 'spawn');
    return new LabProcess(child, ledger);
  }

  get running(): boolean {
    return this.#running;
  }

  /** Sends SIGTERM to the group, and SIGKILL after `grace` ms. */
  async end(grace = 2_000): Promise<void> {
    if (!this.#running) return;
    this.child.ref(); // an unref'd child is referenced again: this process must live until the child has ended
    killGroup(this.pid, 'SIGTERM');
    await Promise.race([this.exited, sleep(grace, undefined, { ref: false })]);
    await this.kill();
  }

  async kill(): Promise<void> {
    if (this.#running) {
      this.child.ref();
      killGroup(this.pid, 'SIGKILL');
    }
    await this.exited;
  }
}
