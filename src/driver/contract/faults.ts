import { InvalidError, messageOf } from '../../domain/errors.js';

/** The faults that a validation found, collected so that an operator sees all of them at once. */
export class Faults {
  readonly #messages: string[] = [];

  add(message: string): void {
    this.#messages.push(message);
  }

  /** Collects the error that the check throws. */
  attempt(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.add(messageOf(error));
    }
  }

  /** As `attempt`, for an asynchronous check. */
  async await(check: () => Promise<void> | undefined): Promise<void> {
    try {
      await check();
    } catch (error) {
      this.add(messageOf(error));
    }
  }

  /** @throws InvalidError naming all faults, if there are any */
  throwAny(): void {
    if (this.#messages.length > 0) throw new InvalidError(this.#messages.join('; '));
  }
}
