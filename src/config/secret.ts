import { inspect } from 'node:util';
import { z } from 'zod';

/** A configured secret: every way to print it gives `***`; only `reveal()` returns the text. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return '***';
  }

  [inspect.custom](): string {
    return '***';
  }
}

export const secret = () =>
  z
    .string()
    .min(1)
    .transform((text) => new Secret(text));
