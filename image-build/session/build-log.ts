import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Everything that a build's programs print, in one file that outlives the build, whichever way that ends. */
export class BuildLog {
  readonly path: string;
  readonly #file: number;
  #line = '';
  /** The last whole line, for a display of progress. */
  last = '';

  constructor(path: string) {
    this.path = resolve(path);
    mkdirSync(dirname(this.path), { recursive: true });
    this.#file = openSync(this.path, 'w', 0o640);
  }

  write(text: string): void {
    writeSync(this.#file, text);
    const lines = (this.#line + text).split(/[\r\n]+/);
    this.#line = lines.pop()!.slice(-1_000);
    const whole = lines.filter((line) => line.trim() !== '').at(-1);
    if (whole !== undefined) this.last = whole.trim();
  }

  /** A line of our own, with the time. */
  note(line: string): void {
    this.write(`[${new Date().toISOString()}] ${line}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}
