import { type Transferable, Worker } from 'node:worker_threads';
import { FerricError, messageOf } from '../domain/errors.js';
import { contained, detached } from './boundary.js';
import { moduleLaunch } from './module-launch.js';

export type { Transferable };

/**
 * MiB of JavaScript heap for each thread. A thread that exceeds them step by step ends, and the daemon does not; a single
 * array beyond them still ends the process (V8). Our threads handle buffers, which are outside of these heaps; by
 * default each young generation grows to 48. With 8, collections slow a download to three quarters of its speed.
 */
const LIMITS = { maxYoungGenerationSizeMb: 32, maxOldGenerationSizeMb: 256 };

export interface ThreadHandlers<Out> {
  message(message: Out): void;
  /**
   * Called once if the thread ends in any way but `end`: an error it did not catch, an exit, a memory limit, a message
   * that cannot be read, a fault of `message` above.
   * @param error internal, with the reason
   */
  death(error: FerricError): void;
}

/**
 * A worker thread that runs a module of ours and exchanges typed messages with it; the module's side is
 * `src/platform/worker-port.ts`. The thread has memory limits. It keeps the process alive until `unref`.
 */
export class WorkerThread<In, Out> {
  readonly #worker: Worker;
  #ended = false;

  /**
   * @param module as built: `new URL('./x-worker.js', import.meta.url)`; see `moduleLaunch`
   * @param name for the counter of handler faults
   * @param task what the thread does, for its error: `hashes passwords`
   */
  constructor(module: URL, name: string, task: string, on: ThreadHandlers<Out>) {
    const launch = moduleLaunch(module);
    const flags = launch.execArgv.length > 0 ? { execArgv: launch.execArgv } : {};
    this.#worker = new Worker(launch.module, { resourceLimits: LIMITS, ...flags });
    const died = (why: string) => {
      if (this.#ended) return;
      detached(name, this.end());
      on.death(new FerricError('internal', `The thread that ${task} ended: ${why}`));
    };
    const failed = (error: unknown) => died(messageOf(error));
    const hear = (message: Out) => {
      if (!this.#ended) on.message(message);
    };
    this.#worker.on('message', contained(name, hear, failed));
    // A fault of theirs is an end, too: somebody may wait for an answer.
    this.#worker.on(
      'messageerror',
      contained(name, failed, (_fault, [error]) => failed(error)),
    );
    this.#worker.on(
      'error',
      contained(name, failed, (_fault, [error]) => failed(error)),
    );
    const exited = (code: number) => died(`exit ${code}`);
    this.#worker.on(
      'exit',
      contained(name, exited, (_fault, [code]) => exited(code)),
    );
  }

  /** @param transfer memory that moves to the thread and is gone here */
  post(message: In, transfer: readonly Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  ref(): void {
    this.#worker.ref();
  }

  unref(): void {
    this.#worker.unref();
  }

  /** Ends the thread at once: no message is delivered afterwards, and no death. */
  async end(): Promise<void> {
    this.#ended = true;
    await this.#worker.terminate();
  }
}
