// A worker of RequestThread that answers with its thread's number, throws, or ends without an answer.
import { parentPort, threadId } from 'node:worker_threads';

const port = parentPort!;

port.on('message', ({ id, act }: { id: number; act: 'answer' | 'throw' | 'exit' }) => {
  if (act === 'throw') throw new Error('a fault of the worker');
  if (act === 'exit') process.exit(3);
  port.postMessage({ id, thread: threadId });
});
