// The thread's side of ParseThread.
import { InvalidError } from '../../domain/errors.js';
import { answerRequests } from '../../platform/worker-port.js';
import { parseScanned } from './body.js';
import type { ParseReply, ParseRequest } from './parse-thread.js';

answerRequests<ParseRequest, ParseReply>(({ bytes, hasLongNumber, mayRound }) => {
  try {
    return { value: parseScanned(Buffer.from(bytes), { hasLongNumber }, mayRound) };
  } catch (error) {
    if (!(error instanceof InvalidError)) throw error;
    return { invalid: error.message };
  }
});
