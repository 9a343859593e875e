import type { Worker } from 'node:worker_threads';
import { CancelledError, FerricError, InvalidError } from '../../domain/errors.js';
import { contained } from '../../platform/boundary.js';
import { startWorker } from '../../platform/start-worker.js';
import { type BodyScan, parseScanned } from './body.js';

/** Bytes from which a body is parsed in a thread: 16 MiB of text would block the event loop for a tenth of a second. */
const LARGE = 256 * 1024;

export interface ParseRequest {
  id: number;
  bytes: ArrayBuffer;
  hasLongNumber: boolean;
  mayRound: boolean;
}
export interface ParseReply {
  id: number;
  value?: unknown;
  /** Why the body is refused. */
  invalid?: string;
}

/** Parses the bytes of a body: few at once, many in a thread, one body at a time. */
export class ParseThread {
  #worker: Worker | undefined;
  #nextId = 1;
  #closed = false;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();

  /** @throws InvalidError as `parseScanned`, FerricError when the thread ended */
  async parse(
    parts: readonly Buffer[],
    { hasLongNumber }: Pick<BodyScan, 'hasLongNumber'>,
    mayRound: boolean,
  ): Promise<unknown> {
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    if (size < LARGE) return parseScanned(Buffer.concat(parts), { hasLongNumber }, mayRound);
    if (this.#closed) throw new CancelledError();
    // Not from Node's pool, which other buffers share: this buffer is transferred to the thread.
    const bytes = new Uint8Array(new ArrayBuffer(size));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    const id = this.#nextId++;
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(id, answer);
    const request: ParseRequest = { id, bytes: bytes.buffer, hasLongNumber, mayRound };
    this.#start().postMessage(request, [bytes.buffer]);
    return answer.promise;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#worker?.terminate();
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    const worker = startWorker(new URL('./parse-worker.js', import.meta.url), null);
    worker.unref();
    const settle = ({ id, value, invalid }: ParseReply) => {
      const answer = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (invalid === undefined) answer?.resolve(value);
      else answer?.reject(new InvalidError(invalid));
    };
    const lost = (why: string) => {
      if (this.#worker === worker) this.#worker = undefined;
      const error = this.#closed
        ? new CancelledError()
        : new FerricError('internal', `The thread that parses bodies ended: ${why}`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
    worker.on(
      'message',
      contained('bodies: thread', settle, (error) => lost(String(error))),
    );
    worker.on(
      'error',
      contained('bodies: thread', (error) => lost(String(error))),
    );
    worker.on(
      'exit',
      contained('bodies: thread', (code) => lost(`exit ${code}`)),
    );
    this.#worker = worker;
    return worker;
  }
}
