import { closeSync, openSync, writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { makeDirectory, reason } from './directory.js';

/** Everything that a build's programs print, in one file that outlives the build, whichever way that ends. */
export class BuildLog {
  readonly path: string;
  readonly #file: number;
  #line = '';
  /** The last whole line, for a display of progress. */
  last = '';
  /** Why lines are missing, once the file could not be written; the build goes on without them. */
  fault: string | undefined;

  constructor(path: string) {
    this.path = resolve(path);
    makeDirectory(dirname(this.path));
    this.#file = openSync(this.path, 'w', 0o640);
  }

  write(text: string): void {
    try {
      writeSync(this.#file, text);
    } catch (error) {
      this.fault ??= reason((error as NodeJS.ErrnoException).code);
    }
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
