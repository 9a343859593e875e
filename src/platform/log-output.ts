import { fstatSync, write, writeSync } from 'node:fs';
import { contained } from './boundary.js';

/** Bytes that may wait for a disk or a reader; what comes beyond is dropped and counted. */
const MOST_WAITING = 1_048_576;
/** ms before the next try after one that failed: a full disk, a reader that is gone. */
const PAUSE = 1_000;

/** Takes bytes, and says when it has taken them all, or why not. */
export type Sink = (bytes: Buffer, done: (error: Error | null) => void) => void;

/**
 * Lines to where they may not go just now. Work never waits for its log: nothing here blocks, throws or grows without
 * bound, and what was dropped is told once there is room again.
 */
export class LogOutput {
  #lines: string[] = [];
  #waiting = 0;
  #busy = false;
  /** Lost since the last word about it. */
  #untold = 0;
  #dropped = 0;
  /** The last bytes that went out may have ended within a line. */
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
    if (this.#lines.push(line) === 1 && !this.#busy) setImmediate(contained('log', () => this.#pass()));
  }

  /** What waits, for a process that ends now. */
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
    // It is not free before it is gone.
    this.#waiting = text.length;
    this.#busy = true;
    const again = () => {
      this.#busy = false;
      this.#pass();
    };
    this.sink(Buffer.from(text), (error) => {
      this.#waiting -= text.length;
      this.#torn = error !== null;
      if (error === null) {
        this.#untold -= untold;
        again();
        return;
      }
      this.#lose(count);
      setTimeout(contained('log', again), PAUSE).unref();
    });
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

/** Standard output, whatever it is. */
export function standardOutput(): LogOutput {
  if (standard) return standard;
  const isFile = fstatSync(1).isFile();
  const output = new LogOutput(isFile ? toFile : toStream);
  standard = output;
  // Said for as long as the reader is gone; each write says it, too.
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

/** Node.js writes files synchronously where they are its standard output, and throws where the disk is full. */
function toFile(bytes: Buffer, done: (error: Error | null) => void): void {
  const next = (error: Error | null, written: number) => {
    if (error) done(error);
    else if (written === bytes.length) done(null);
    else toFile(bytes.subarray(written), done);
  };
  write(1, bytes, contained('log', next, done as (error: unknown) => void));
}

/** A pipe, a socket or a terminal: of a reader that does not read it is heard when it does. */
function toStream(bytes: Buffer, done: (error: Error | null) => void): void {
  const taken = (error?: Error | null) => done(error ?? null);
  process.stdout.write(bytes, contained('log', taken));
}
