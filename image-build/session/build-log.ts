import { closeSync, openSync, writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { makeDirectory, reason } from './directory.js';

/** All output of a build's programs, in a file that is kept whether the build succeeds or fails. */
export class BuildLog {
  readonly path: string;
  readonly #file: number;
  #line = '';
  /** The last complete line, for a progress display. */
  last = '';
  /** Why lines are missing: the file could not be written. The build continues. */
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

  /** Writes a line with a timestamp. */
  note(line: string): void {
    this.write(`[${new Date().toISOString()}] ${line}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}
