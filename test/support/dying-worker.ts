// A worker that answers with its thread's number, or ends by a throw or an exit.
import { threadId } from 'node:worker_threads';
import { answerRequests } from '../../src/platform/worker-port.js';

answerRequests<{ act: 'answer' | 'throw' | 'exit' }, { thread: number }>(({ act }) => {
  if (act === 'throw') throw new Error('a fault of the worker');
  if (act === 'exit') process.exit(3);
  return { thread: threadId };
});
