import { fstatSync, write, writeSync } from 'node:fs';
import { contained } from './boundary.js';

/** Bytes that may wait for a disk or a reader; more are dropped and counted. */
const MOST_WAITING = 1_048_576;
/** ms before the next attempt after a failure: a full disk, a reader that is gone. */
const PAUSE = 1_000;

/** Writes bytes, and reports when all are written, or the error. */
export type Sink = (bytes: Buffer, done: (error: Error | null) => void) => void;

/**
 * Writes log lines to an output that may be blocked. Work never waits for its log: nothing here blocks, throws or grows
 * without bound, and the number of dropped lines is reported once there is space again.
 */
export class LogOutput {
  #lines: string[] = [];
  #waiting = 0;
  #busy = false;
  /** Lines dropped since the last report. */
  #untold = 0;
  #dropped = 0;
  /** The last bytes written may have ended within a line. */
  #torn = false;

  constructor(
    private readonly sink: Sink,
    private readonly now: () => Date = () => new Date(),
  ) {}

  /** Lines dropped since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  write(line: string): void {
    if (this.#waiting + line.length > MOST_WAITING) {
      this.#lose(1);
      return;
    }
    this.#waiting += line.length;
    if (this.#lines.push(line) > 1 || this.#busy) return;
    const failed = () => {
      if (!this.#busy) this.#passLater();
    };
    setImmediate(contained('log', () => this.#pass(), failed));
  }

  /** The waiting lines, for a process that ends now. */
  take(): string {
    const text = this.#lines.join('');
    this.#lines = [];
    this.#waiting = 0;
    return text;
  }

  #pass(): void {
    if (this.#busy || this.#lines.length === 0) return;
    const count = this.#lines.length;
    const untold = this.#untold;
    const text = `${this.#torn ? '\n' : ''}${untold > 0 ? this.#confession(untold) : ''}${this.take()}`;
    // These bytes occupy memory until they are written.
    this.#waiting = text.length;
    this.#busy = true;
    this.sink(Buffer.from(text), (error) => {
      this.#waiting -= text.length;
      this.#torn = error !== null;
      if (error === null) {
        this.#untold -= untold;
        this.#passAgain();
        return;
      }
      this.#lose(count);
      this.#passLater();
    });
  }

  #passAgain(): void {
    this.#busy = false;
    this.#pass();
  }

  #passLater(): void {
    const due = contained(
      'log',
      () => this.#passAgain(),
      () => this.#passLater(),
    );
    setTimeout(due, PAUSE).unref();
  }

  #lose(lines: number): void {
    this.#untold += lines;
    this.#dropped += lines;
  }

  #confession(dropped: number): string {
    const time = this.now().toISOString();
    return `${JSON.stringify({ level: 'warn', time, dropped, msg: 'lines of this log were dropped: its disk was full, or nobody read it' })}\n`;
  }
}

let standard: LogOutput | null = null;

/** Standard output, whatever its kind. */
export function standardOutput(): LogOutput {
  if (standard) return standard;
  const isFile = fstatSync(1).isFile();
  const output = new LogOutput(isFile ? toFile : toStream);
  standard = output;
  // Emitted as long as the reader is gone; each write reports the same error.
  if (!isFile) process.stdout.on('error', () => undefined);
  const last = () => {
    const text = output.take();
    if (text === '') return;
    if (isFile) writeSync(1, text);
    else process.stdout.write(text);
  };
  process.once('exit', contained('log', last));
  return output;
}

/** Node.js writes to a file as standard output synchronously, and throws if the disk is full. */
function toFile(bytes: Buffer, done: (error: Error | null) => void): void {
  const next = (error: Error | null, written: number) => {
    if (error) done(error);
    else if (written === bytes.length) done(null);
    else toFile(bytes.subarray(written), done);
  };
  write(1, bytes, contained('log', next, done as (error: unknown) => void));
}

/** A pipe, a socket or a terminal: a write completes once its reader reads. */
function toStream(bytes: Buffer, done: (error: Error | null) => void): void {
  const taken = (error?: Error | null) => done(error ?? null);
  process.stdout.write(bytes, contained('log', taken, done as (error: unknown) => void));
}
