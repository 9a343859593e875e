import { createWriteStream, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

// Terminal control: CSI sequences, character sets, and the odd single escape that firmware and systemd print.
const CONTROL = /\u001b\[[0-9;?=]*[a-zA-Z]|\u001b[()][A-Z0-9]|\u001b[=>78cM]/g;
const UNFINISHED = /\u001b(\[[0-9;?=]*|[()])?$/;
const KEPT = 256 * 1024;

/** The serial console of one machine over all its boots: a log file, the recent text, and its lines. */
export class SerialConsole {
  readonly #file: WriteStream;
  readonly #listeners = new Set<(line: string) => void>();
  readonly #watchers = new Set<() => void>();
  #text = '';
  #line = '';
  #held = '';
  /** Number of characters dropped from the front of the text. */
  #dropped = 0;

  constructor(readonly logPath: string) {
    this.#file = createWriteStream(logPath, { flags: 'a' });
  }

  /** Text since the start without terminal control, at most the last 256 KiB. */
  get text(): string {
    return this.#text;
  }

  /** Current position in the console's history, for `waitFor`. */
  get position(): number {
    return this.#dropped + this.#text.length;
  }

  write(chunk: Buffer): void {
    this.#file.write(chunk);
    // Chunks may end anywhere, also inside a control sequence.
    const text = this.#held + chunk.toString('latin1');
    this.#held = UNFINISHED.exec(text)?.[0].slice(0, 32) ?? '';
    this.#append(
      text
        .slice(0, text.length - this.#held.length)
        .replace(CONTROL, '')
        .replaceAll('\r', ''),
    );
  }

  /** Writes a line of the lab itself, such as at power on. */
  mark(text: string): void {
    this.write(Buffer.from(`\n--- ${text} ---\n`, 'utf8'));
  }

  /** Calls the listener with each complete line, right-trimmed. @returns unsubscribe function */
  onLine(listener: (line: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * The first match of `pattern` (never a global one) from `since` on, also in an unfinished line.
   * @param options.since default 0: all the text that is kept; `position`: only new text
   * @param options.timeout milliseconds, default 120 000
   * @throws Error with the console's last lines after the timeout
   */
  waitFor(
    pattern: RegExp,
    options: { since?: number; timeout?: number; signal?: AbortSignal } = {},
  ): Promise<RegExpMatchArray> {
    const { since = 0, timeout = 120_000, signal } = options;
    return new Promise((resolve, reject) => {
      const look = () => {
        const match = this.#text.slice(Math.max(0, since - this.#dropped)).match(pattern);
        if (match !== null) end(() => resolve(match));
      };
      const end = (settle: () => void) => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        signal?.removeEventListener('abort', aborted);
        settle();
      };
      const tail = () => this.#text.split('\n').slice(-15).join('\n');
      const timer = setTimeout(
        () =>
          end(() =>
            reject(new Error(`no ${pattern} on the console in ${timeout / 1000} s; last:\n${tail()}`)),
          ),
        timeout,
      );
      const aborted = () => end(() => reject(new Error(`no ${pattern} on the console before the end`)));
      signal?.addEventListener('abort', aborted);
      this.#watchers.add(look);
      look();
    });
  }

  async close(): Promise<void> {
    this.#file.end();
    await finished(this.#file);
  }

  #append(text: string): void {
    this.#text += text;
    if (this.#text.length > KEPT) {
      const excess = this.#text.length - KEPT;
      this.#dropped += excess;
      this.#text = this.#text.slice(excess);
    }
    const lines = (this.#line + text).split('\n');
    this.#line = lines.pop()!.slice(-4096);
    for (const line of lines) for (const listener of this.#listeners) listener(line.trimEnd());
    for (const watcher of this.#watchers) watcher();
  }
}
