// The thread's side of BcryptThread: hashing takes tenths of a second of pure computing.
import { parentPort } from 'node:worker_threads';
import { compareSync } from 'bcryptjs';
import type { BcryptReply, BcryptRequest } from './bcrypt-thread.js';

const port = parentPort!;

port.on('message', ({ id, password, hash }: BcryptRequest & { id: number }) => {
  port.postMessage({ id, fits: compareSync(password, hash) } satisfies BcryptReply & { id: number });
});
