// The thread's side of ParseThread.
import { parentPort } from 'node:worker_threads';
import { InvalidError } from '../../domain/errors.js';
import { parseScanned } from './body.js';
import type { ParseReply, ParseRequest } from './parse-thread.js';

const port = parentPort!;

port.on('message', ({ id, bytes, hasLongNumber, mayRound }: ParseRequest & { id: number }) => {
  port.postMessage({ id, ...answer() });

  function answer(): ParseReply {
    try {
      const value = parseScanned(Buffer.from(bytes), { hasLongNumber }, mayRound);
      return { value };
    } catch (error) {
      if (!(error instanceof InvalidError)) throw error;
      return { invalid: error.message };
    }
  }
});
