import { copyFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CancelledError, messageOf } from '../../src/domain/errors.js';
import { withRunContext } from '../process/run-context.js';
import { type PublishedFile, publish } from './artefact.js';
import { BuildLog } from './build-log.js';
import { MARK } from './leftover.js';
import { Scratch } from './scratch.js';

/** Events for a progress display. Times in milliseconds, sizes in bytes. */
export type StageEvent =
  | { kind: 'started'; stage: string; number: number }
  | { kind: 'progress'; stage: string; elapsed: number; bytes: number | undefined; said: string }
  | { kind: 'finished'; stage: string; elapsed: number; bytes: number | undefined; note: string | undefined }
  | { kind: 'failed'; stage: string; elapsed: number; cancelled: boolean }
  | { kind: 'cleaning' };

export interface SessionOptions {
  /** Receives all output of the programs; the only file that remains after a failure. */
  logFile: string;
  /** Parent of the scratch directory. Default: TMPDIR, else /var/tmp. */
  scratchBase?: string;
  signal?: AbortSignal;
  onEvent?: (event: StageEvent) => void;
}

/** Progress reports of a running stage. */
export interface Stage {
  /** Reports a file's growing size as progress. */
  watch(path: string): void;
  /** Reports bytes done so far, where the stage counts them itself. */
  bytes(count: number): void;
  /** Adds a note to the stage's line, such as "from the cache". */
  note(text: string): void;
}

/**
 * A build made of stages: its log, its scratch directory, its programs (started by `run` inside it) and the files that
 * it publishes.
 */
export class BuildSession {
  #number = 0;

  private constructor(
    readonly log: BuildLog,
    readonly signal: AbortSignal,
    private readonly scratchDirectory: Scratch,
    private readonly onEvent: (event: StageEvent) => void,
  ) {}

  /** Path of a directory that is exclusive to this session and deleted with it. */
  get scratch(): string {
    return this.scratchDirectory.path;
  }

  /**
   * Opens a session, does the work in it, and deletes everything except published files and the log.
   * @throws CancelledError when the signal has fired
   */
  static async use<T>(options: SessionOptions, work: (session: BuildSession) => Promise<T>): Promise<T> {
    const { signal = new AbortController().signal, onEvent = () => undefined } = options;
    const log = new BuildLog(options.logFile);
    try {
      const scratch = await Scratch.open(resolve(options.scratchBase ?? defaultScratchBase()));
      const session = new BuildSession(log, signal, scratch, onEvent);
      const context = {
        signal,
        log: (text: string) => log.write(text),
        env: { [MARK]: scratch.path, TMPDIR: scratch.path },
      };
      try {
        return await withRunContext(context, () => work(session));
      } catch (error) {
        log.note(`given up: ${messageOf(error)}`);
        throw error;
      } finally {
        onEvent({ kind: 'cleaning' });
        await scratch.clear();
      }
    } finally {
      log.close();
    }
  }

  /** Runs and reports a named stage of the work. */
  async stage<T>(name: string, work: (stage: Stage) => Promise<T>): Promise<T> {
    if (this.signal.aborted) throw new CancelledError();
    const started = performance.now();
    const elapsed = () => performance.now() - started;
    this.log.note(`== ${name}`);
    this.onEvent({ kind: 'started', stage: name, number: ++this.#number });
    let watched: string | undefined;
    let counted: number | undefined;
    let note: string | undefined;
    const measure = async () =>
      watched === undefined ? counted : ((await stat(watched).catch(() => undefined))?.size ?? counted);
    const tick = setInterval(() => {
      void measure().then((bytes) =>
        this.onEvent({ kind: 'progress', stage: name, elapsed: elapsed(), bytes, said: this.log.last }),
      );
    }, 500);
    try {
      const result = await work({
        watch: (path) => (watched = path),
        bytes: (count) => (counted = count),
        note: (text) => (note = text),
      });
      if (this.signal.aborted) throw new CancelledError();
      this.onEvent({ kind: 'finished', stage: name, elapsed: elapsed(), bytes: await measure(), note });
      return result;
    } catch (error) {
      const cancelled = this.signal.aborted;
      this.onEvent({ kind: 'failed', stage: name, elapsed: elapsed(), cancelled });
      throw cancelled ? new CancelledError() : error;
    } finally {
      clearInterval(tick);
    }
  }

  /** A path in the scratch directory. */
  path(...names: string[]): string {
    return join(this.scratch, ...names);
  }

  /** Copies a file out of the scratch directory; it is partial until `publish` or the caller renames it. */
  async keep(source: string, part: string): Promise<void> {
    this.scratchDirectory.partial(part);
    await copyFile(source, part);
  }

  /**
   * Publishes files of the scratch directory, all or none, with their SHA-256 sums.
   * @param files target path → file in the scratch directory
   * @param sums path of the file of sums, in sha256sum's format
   */
  publish(files: Readonly<Record<string, string>>, sums: string): Promise<PublishedFile[]> {
    return publish(this.scratchDirectory, files, sums, this.signal);
  }
}

function defaultScratchBase(): string {
  // Images take gigabytes, and /tmp is often in memory.
  return process.env['TMPDIR'] === undefined ? '/var/tmp' : tmpdir();
}
