import { CancelledError, type FerricError } from '../domain/errors.js';
import { type Transferable, WorkerThread } from './worker-thread.js';

/**
 * A worker thread that answers requests in their order, off the event loop. The thread starts with the first request,
 * and again with the next one after it ended; it does not keep the process alive.
 * The worker module answers by `answerRequests` of `src/platform/worker-port.ts`.
 */
export class RequestThread<Request extends object, Reply extends object> {
  #thread: WorkerThread<Request & { id: number }, Reply & { id: number }> | undefined;
  #nextId = 1;
  #closed = false;
  readonly #waiting = new Map<number, PromiseWithResolvers<Reply>>();

  /** Parameters as of `WorkerThread`. */
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
    this.#thread ??= this.#start();
    // Throws for what cannot be copied; then nothing waits.
    this.#thread.post({ ...request, id }, transfer);
    this.#waiting.set(id, answer);
    return answer.promise;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#rejectAll(new CancelledError());
    await this.#thread?.end();
  }

  #start(): WorkerThread<Request & { id: number }, Reply & { id: number }> {
    const thread = new WorkerThread<Request & { id: number }, Reply & { id: number }>(
      this.module,
      this.name,
      this.task,
      {
        message: (reply) => {
          this.#waiting.get(reply.id)?.resolve(reply);
          this.#waiting.delete(reply.id);
        },
        death: (error) => {
          this.#thread = undefined;
          this.#rejectAll(error);
        },
      },
    );
    thread.unref();
    return thread;
  }

  #rejectAll(error: FerricError): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
