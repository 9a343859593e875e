import { parentPort } from 'node:worker_threads';
import type { Transferable } from './worker-thread.js';

/** A thread's side of `WorkerThread`. */
export interface WorkerPort<In, Out> {
  /** An error that `handler` throws ends the thread, and reaches `death` on the other side. */
  hear(handler: (message: In) => void): void;
  post(message: Out, transfer?: readonly Transferable[]): void;
}

/** @throws Error in the main thread */
export function workerPort<In, Out>(): WorkerPort<In, Out> {
  if (!parentPort) throw new Error('this module runs in a worker thread only');
  const port = parentPort;
  return {
    hear: (handler) => port.on('message', handler),
    post: (message, transfer = []) => port.postMessage(message, transfer),
  };
}

/** A thread's side of `RequestThread`: one reply to each request. */
export function answerRequests<Request extends object, Reply extends object>(
  answer: (request: Request) => Reply,
): void {
  const port = workerPort<Request & { id: number }, Reply & { id: number }>();
  port.hear((request) => port.post({ ...answer(request), id: request.id }));
}
