type Level = 'info' | 'warn' | 'error';

/** The part of a logger that is used here; the logger itself imports this file. */
export type Lines = Record<Level, (words: object, text: string) => void>;

/** ms between two lines of the same text. */
const GAP = 1_000;

/** Log lines that strangers can cause: of each text at most one a second, with the number of omitted lines. */
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
