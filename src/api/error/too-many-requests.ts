import { FerricError } from '../../domain/errors.js';

/** Refused by the rate limit. */
export class TooManyRequests extends FerricError {
  /** @param retryAfter seconds */
  constructor(readonly retryAfter: number) {
    super('too-many-requests', `Too many requests from this address: try again in ${retryAfter} s.`);
  }
}
