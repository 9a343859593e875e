import type { Worker } from 'node:worker_threads';
import { CancelledError, FerricError, UnavailableError } from '../../../domain/errors.js';
import { contained } from '../../../platform/boundary.js';
import { startWorker } from '../../../platform/start-worker.js';

export interface BcryptRequest {
  id: number;
  password: string;
  hash: string;
}
export interface BcryptReply {
  id: number;
  fits: boolean;
}

/** Queued passwords; a longer queue would outlast every client’s timeout. */
const MOST_WAITING = 100;

/** bcrypt outside the event loop, one password at a time. */
export class BcryptThread {
  #worker: Worker | undefined;
  #nextId = 1;
  #closed = false;
  readonly #waiting = new Map<number, PromiseWithResolvers<boolean>>();

  /** @throws UnavailableError when the queue is full */
  async fits(password: string, hash: string): Promise<boolean> {
    if (this.#closed) throw new CancelledError();
    if (this.#waiting.size >= MOST_WAITING) throw new UnavailableError('Too many logins at once.');
    const id = this.#nextId++;
    const answer = Promise.withResolvers<boolean>();
    this.#waiting.set(id, answer);
    this.#start().postMessage({ id, password, hash } satisfies BcryptRequest);
    return answer.promise;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#worker?.terminate();
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    const worker = startWorker(new URL('./bcrypt-worker.js', import.meta.url), null);
    worker.unref();
    worker.on(
      'message',
      contained('password thread', ({ id, fits }: BcryptReply) => {
        this.#waiting.get(id)?.resolve(fits);
        this.#waiting.delete(id);
      }),
    );
    const lost = (why: string) => {
      if (this.#worker === worker) this.#worker = undefined;
      const error = this.#closed
        ? new CancelledError()
        : new FerricError('internal', `The thread that hashes passwords ended: ${why}`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
    worker.on(
      'error',
      contained('password thread', (error) => lost(String(error))),
    );
    worker.on(
      'exit',
      contained('password thread', (code) => lost(`exit ${code}`)),
    );
    this.#worker = worker;
    return worker;
  }
}
