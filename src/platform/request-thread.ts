import type { Transferable, Worker } from 'node:worker_threads';
import { CancelledError, FerricError } from '../domain/errors.js';
import { contained } from './boundary.js';
import { startWorker } from './start-worker.js';

/**
 * A worker thread that answers requests in their order, off the event loop. The thread starts with the first request,
 * and again with the next one after it ended; it does not keep the process alive.
 * The worker module receives the request with its `id`, and posts one reply with the same `id`.
 */
export class RequestThread<Request extends object, Reply extends object> {
  #worker: Worker | undefined;
  #nextId = 1;
  #closed = false;
  readonly #waiting = new Map<number, PromiseWithResolvers<Reply>>();

  /**
   * @param module as built: `new URL('./x-worker.js', import.meta.url)`
   * @param name for the counter of handler faults
   * @param task what the thread does, for its error: `hashes passwords`
   */
  constructor(
    private readonly module: URL,
    private readonly name: string,
    private readonly task: string,
  ) {}

  /** Requests without a reply so far. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * @param transfer memory that moves to the thread and is gone here
   * @throws CancelledError after `close`, FerricError internal if the thread ended before its reply
   */
  async ask(request: Request, transfer: readonly Transferable[] = []): Promise<Reply> {
    if (this.#closed) throw new CancelledError();
    const id = this.#nextId++;
    const answer = Promise.withResolvers<Reply>();
    this.#waiting.set(id, answer);
    this.#start().postMessage({ ...request, id }, transfer);
    return answer.promise;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#worker?.terminate();
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    const worker = startWorker(this.module, null);
    worker.unref();
    const settle = (reply: Reply & { id: number }) => {
      this.#waiting.get(reply.id)?.resolve(reply);
      this.#waiting.delete(reply.id);
    };
    const lost = (why: string) => {
      // The exit that follows an error: what waits by then waits for the next worker.
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      const error = this.#closed
        ? new CancelledError()
        : new FerricError('internal', `The thread that ${this.task} ended: ${why}`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
    const failed = (error: unknown) => lost(String(error));
    worker.on('message', contained(this.name, settle, failed));
    worker.on('error', contained(this.name, failed));
    worker.on(
      'exit',
      contained(this.name, (code) => lost(`exit ${code}`)),
    );
    this.#worker = worker;
    return worker;
  }
}
