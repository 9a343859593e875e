import { InvalidError, messageOf } from '../../domain/errors.js';

/** What a validation found wrong: collected, so that an operator reads everything at once. */
export class Faults {
  readonly #messages: string[] = [];

  add(message: string): void {
    this.#messages.push(message);
  }

  /** Keeps what the check throws. */
  attempt(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.add(messageOf(error));
    }
  }

  /** As `attempt`, of a check that has to wait. */
  async await(check: () => Promise<void> | undefined): Promise<void> {
    try {
      await check();
    } catch (error) {
      this.add(messageOf(error));
    }
  }

  /** @throws InvalidError naming all of them, if there are any */
  throwAny(): void {
    if (this.#messages.length > 0) throw new InvalidError(this.#messages.join('; '));
  }
}
