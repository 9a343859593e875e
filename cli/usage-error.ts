import { FerricError } from '../src/domain/errors.js';

/** A wrong option or argument. */
export class UsageError extends FerricError {
  constructor(message: string) {
    super('invalid', message);
  }
}
