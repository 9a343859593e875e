// The thread's side of BcryptThread: hashing takes tenths of a second of pure computing.
import { compareSync } from 'bcryptjs';
import { answerRequests } from '../../../platform/worker-port.js';
import type { BcryptReply, BcryptRequest } from './bcrypt-thread.js';

answerRequests<BcryptRequest, BcryptReply>(({ password, hash }) => ({ fits: compareSync(password, hash) }));
