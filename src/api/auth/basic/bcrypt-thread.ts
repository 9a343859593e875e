import { UnavailableError } from '../../../domain/errors.js';
import { RequestThread } from '../../../platform/request-thread.js';

export interface BcryptRequest {
  password: string;
  hash: string;
}
export interface BcryptReply {
  fits: boolean;
}

/** Queued passwords; a longer queue would outlast every client’s timeout. */
const MOST_WAITING = 100;

/** bcrypt outside the event loop, one password at a time. */
export class BcryptThread {
  readonly #thread = new RequestThread<BcryptRequest, BcryptReply>(
    new URL('./bcrypt-worker.js', import.meta.url),
    'password thread',
    'hashes passwords',
  );

  /** @throws UnavailableError when the queue is full */
  async fits(password: string, hash: string): Promise<boolean> {
    if (this.#thread.waiting >= MOST_WAITING) throw new UnavailableError('Too many logins at once.');
    return (await this.#thread.ask({ password, hash })).fits;
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}
