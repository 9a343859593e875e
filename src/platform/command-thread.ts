import type { Worker } from 'node:worker_threads';
import { CancelledError, FerricError } from '../domain/errors.js';
import { type Command, CommandError, type CommandFault, type CommandResult } from './run-command.js';
import { startWorker } from './start-worker.js';

export type CommandRequest = { id: number; command: Omit<Command, 'signal'> } | { cancel: number };
export type CommandReply =
  | { id: number; result: CommandResult }
  | { id: number; failed: { file: string; fault: CommandFault; result: CommandResult; message: string } }
  | { id: number; cancelled: boolean; message: string };

interface Pending {
  resolve(result: CommandResult): void;
  reject(error: unknown): void;
  dispose(): void;
}

/**
 * `runCommand` on a thread of its own. Starting a program blocks the thread that asks until the child has called
 * exec, some milliseconds on a busy machine and more the larger the process: thousands of ipmitool calls on the main
 * thread were most of its event loop delay.
 */
export class CommandThread {
  #worker: Worker | undefined;
  #nextId = 1;
  #closed = false;
  readonly #pending = new Map<number, Pending>();

  /** As `runCommand`. */
  run(command: Command): Promise<CommandResult> {
    const { signal, ...rest } = command;
    if (this.#closed || signal?.aborted)
      return Promise.reject(new CancelledError(`${command.file} was cancelled.`));
    const id = this.#nextId++;
    const worker = this.#start();
    return new Promise((resolve, reject) => {
      const cancel = () => worker.postMessage({ cancel: id } satisfies CommandRequest);
      signal?.addEventListener('abort', cancel, { once: true });
      this.#pending.set(id, { resolve, reject, dispose: () => signal?.removeEventListener('abort', cancel) });
      worker.postMessage({ id, command: rest } satisfies CommandRequest);
    });
  }

  /** Cancels what runs and ends the thread. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const id of this.#pending.keys()) this.#worker?.postMessage({ cancel: id } satisfies CommandRequest);
    const deadline = performance.now() + 3_000;
    while (this.#pending.size > 0 && performance.now() < deadline)
      await new Promise((r) => setTimeout(r, 20));
    await this.#worker?.terminate();
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    const worker = startWorker(new URL('./command-worker.js', import.meta.url), null);
    worker.unref();
    worker.on('message', (reply: CommandReply) => this.#settle(reply));
    const lost = (why: string) => {
      if (this.#worker === worker) this.#worker = undefined;
      for (const pending of this.#pending.values()) {
        pending.reject(
          this.#closed
            ? new CancelledError()
            : new FerricError('internal', `The command thread ended: ${why}`),
        );
        pending.dispose();
      }
      this.#pending.clear();
    };
    worker.on('error', (error) => lost(String(error)));
    worker.on('exit', (code) => lost(`exit ${code}`));
    this.#worker = worker;
    return worker;
  }

  #settle(reply: CommandReply): void {
    const pending = this.#pending.get(reply.id);
    if (!pending) return;
    this.#pending.delete(reply.id);
    pending.dispose();
    if ('result' in reply) pending.resolve(reply.result);
    else if ('failed' in reply) {
      const { file, fault, result, message } = reply.failed;
      pending.reject(new CommandError(file, fault, result, message.slice(file.length + 2)));
    } else
      pending.reject(
        reply.cancelled ? new CancelledError(reply.message) : new FerricError('internal', reply.message),
      );
  }
}
