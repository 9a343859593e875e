import { CancelledError, FerricError, messageOf } from '../../domain/errors.js';
import { contained, detached } from '../../platform/boundary.js';
import { WorkerThread } from '../../platform/worker-thread.js';
import type {
  FromWorker,
  Progress,
  ToWorker,
  TransferFault,
  TransferJob,
  TransferResults,
} from './transfer-job.js';

/** Milliseconds after which an idle thread is ended. */
const IDLE = 30_000;

interface Pending {
  resolve(result: never): void;
  reject(error: unknown): void;
  progress: Progress | undefined;
  dispose(): void;
}

interface Thread {
  worker: WorkerThread<ToWorker, FromWorker>;
  pending: Map<number, Pending>;
  idle: NodeJS.Timeout | undefined;
}

export class TransferError extends FerricError {
  readonly remedy: TransferFault['remedy'];

  constructor(fault: TransferFault) {
    super(fault.code, fault.message);
    this.remedy = fault.remedy;
  }
}

/**
 * Threads that download, copy and hash: hashing occupies a core, which the event loop needs. They start with the first
 * job, each takes many jobs, and they end when idle.
 */
export class TransferPool {
  private readonly threads: Thread[] = [];
  private nextId = 1;
  private closed = false;

  constructor(private readonly size: number) {}

  /**
   * @throws TransferError
   * @throws CancelledError when the signal fires; by then the thread no longer touches the files
   */
  run<K extends TransferJob['kind']>(
    job: Extract<TransferJob, { kind: K }>,
    options: { signal?: AbortSignal; onProgress?: Progress } = {},
  ): Promise<TransferResults[K]> {
    const { signal } = options;
    if (this.closed || signal?.aborted)
      return Promise.reject(new CancelledError('The download was cancelled.'));
    const id = this.nextId++;
    const thread = this.choose();
    const send = (message: ToWorker) => thread.worker.post(message);
    return new Promise<TransferResults[K]>((resolve, reject) => {
      const abort = contained(
        'transfer thread',
        () => send({ id, abort: true }),
        (error) => this.lose(thread, error),
      );
      signal?.addEventListener('abort', abort, { once: true });
      thread.pending.set(id, {
        resolve,
        reject,
        progress: options.onProgress,
        dispose: () => signal?.removeEventListener('abort', abort),
      });
      send({ id, job });
    });
  }

  /** Ends all threads at once; running jobs are rejected as cancelled. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(this.threads.splice(0).map((thread) => this.end(thread, new CancelledError())));
  }

  private choose(): Thread {
    const free = this.threads.find((thread) => thread.pending.size === 0);
    if (!free && this.threads.length < this.size) this.threads.push(this.start());
    const chosen = free ?? this.threads.reduce((a, b) => (b.pending.size < a.pending.size ? b : a));
    clearTimeout(chosen.idle);
    chosen.worker.ref();
    return chosen;
  }

  private start(): Thread {
    const worker: Thread['worker'] = new WorkerThread(
      new URL('./transfer-worker.js', import.meta.url),
      'transfer thread',
      'downloads and hashes images',
      {
        message: (message) => this.receive(thread, message),
        // The death of a thread fails its jobs, not the daemon.
        death: (error) => this.lose(thread, error),
      },
    );
    const thread: Thread = { worker, pending: new Map(), idle: undefined };
    return thread;
  }

  /** Ends a thread whose jobs nobody can trust any more: they fail. */
  private lose(thread: Thread, error: unknown): void {
    this.forget(thread);
    const fault = error instanceof FerricError ? error : new FerricError('internal', messageOf(error));
    detached('transfer thread', this.end(thread, fault));
  }

  private receive(thread: Thread, message: FromWorker): void {
    const pending = thread.pending.get(message.id);
    if (!pending) return;
    if ('progress' in message) {
      pending.progress?.(message.progress, message.total);
      return;
    }
    thread.pending.delete(message.id);
    pending.dispose();
    if (thread.pending.size === 0) {
      // An idle thread does not keep the process alive, and ends after a while.
      thread.worker.unref();
      const rest = () => {
        this.forget(thread);
        return this.end(thread, new CancelledError());
      };
      thread.idle = setTimeout(contained('transfer thread', rest, rest), IDLE).unref();
    }
    if ('result' in message) pending.resolve(message.result as never);
    else if (message.fault.code === 'cancelled') pending.reject(new CancelledError(message.fault.message));
    else pending.reject(new TransferError(message.fault));
  }

  private forget(thread: Thread): void {
    const at = this.threads.indexOf(thread);
    if (at >= 0) this.threads.splice(at, 1);
  }

  private async end(thread: Thread, error: FerricError): Promise<void> {
    clearTimeout(thread.idle);
    for (const pending of thread.pending.values()) {
      pending.dispose();
      pending.reject(error);
    }
    thread.pending.clear();
    await thread.worker.end();
  }
}
