type Level = 'info' | 'warn' | 'error';

/** As a logger takes a line; the logger itself stands on this file. */
export type Lines = Record<Level, (words: object, text: string) => void>;

/** Milliseconds between two lines of one text. */
const GAP = 1_000;

/** Log lines that strangers can cause: of each text one a second at most, with the number that were left out. */
export class ThrottledLog {
  readonly #last = new Map<string, { at: number; left: number }>();

  constructor(private readonly log: Lines) {}

  info(words: object, text: string): void {
    this.#write('info', words, text);
  }

  warn(words: object, text: string): void {
    this.#write('warn', words, text);
  }

  error(words: object, text: string): void {
    this.#write('error', words, text);
  }

  #write(level: Level, words: object, text: string): void {
    const now = performance.now();
    const last = this.#last.get(text);
    if (last && now - last.at < GAP) {
      last.left++;
      return;
    }
    this.log[level](last?.left ? { ...words, left_out: last.left } : words, text);
    this.#last.set(text, { at: now, left: 0 });
  }
}
