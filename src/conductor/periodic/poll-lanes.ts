import { detached } from '../../platform/boundary.js';

/** What is polled in each round. */
export interface Polled {
  readonly uuid: string;
  readonly updated_at: Date | null;
}

/** true: the machine was read. false: it could not be. */
type Poll<T> = (item: T, signal: AbortSignal) => Promise<boolean>;

/** An item whose last poll failed or has not ended. */
interface Apart {
  failures: number;
  /** Rounds to skip before the next poll. */
  rest: number;
  running: boolean;
  /** Its `updated_at`: an item that was changed is polled without waiting for the skipped rounds. */
  changed: number;
}

export interface PollSettings {
  /** Most concurrent polls that are within their grace. */
  workers: number;
  /** Most concurrent polls of items that failed last time. */
  slow: number;
  /** ms after which a poll no longer occupies a worker. */
  grace: number;
  /** Most rounds that an item is skipped after failures in a row: 0, 1, 2, 4, … of them. */
  mostRest: number;
  /** Called with an error that a poll threw, unless polling was aborted. */
  failed(item: Polled, error: unknown): void;
}

/**
 * Polls many machines in rounds, of which any number may not answer: a round lasts as long as those that do. A poll
 * that exceeds its grace continues on its own, beyond the end of the round. An item that failed is polled in the slow
 * lane next time, and skipped for more and more rounds while it keeps failing.
 */
export class PollLanes<T extends Polled> {
  private readonly apart = new Map<string, Apart>();
  private readonly jobs = new Set<Promise<void>>();
  private readonly waiting: (() => Promise<void>)[] = [];
  private slow = 0;

  constructor(private readonly settings: PollSettings) {}

  /** Resolves when every machine that answers was polled. */
  async round(items: readonly T[], poll: Poll<T>, signal: AbortSignal): Promise<void> {
    this.forget(items);
    const { prompt, slow } = this.sorted(items);
    const begun = slow.map((item) => this.beside(() => this.job(item, poll, signal)));
    const worker = async () => {
      for (let item = prompt.shift(); item && !signal.aborted; item = prompt.shift()) {
        await this.forGrace([this.job(item, poll, signal)]);
      }
    };
    await Promise.all(Array.from({ length: this.settings.workers }, worker));
    await this.forGrace(begun);
    signal.throwIfAborted();
  }

  /** Resolves when no poll is under way. */
  async drain(): Promise<void> {
    this.waiting.length = 0;
    while (this.jobs.size > 0) await Promise.allSettled(this.jobs);
  }

  private sorted(items: readonly T[]): { prompt: T[]; slow: T[] } {
    const prompt: T[] = [];
    const slow: T[] = [];
    for (const item of items) {
      const apart = this.apart.get(item.uuid);
      if (!apart) prompt.push(item);
      else if (apart.running) continue;
      else if (apart.rest > 0 && apart.changed === changeOf(item)) apart.rest--;
      else {
        apart.running = true;
        slow.push(item);
      }
    }
    return { prompt, slow };
  }

  /** Drops items that are no longer polled. */
  private forget(items: readonly T[]): void {
    if (this.apart.size === 0) return;
    const known = new Set(items.map(({ uuid }) => uuid));
    for (const [uuid, { running }] of this.apart) if (!running && !known.has(uuid)) this.apart.delete(uuid);
  }

  private job(item: T, poll: Poll<T>, signal: AbortSignal): Promise<void> {
    const failures = this.apart.get(item.uuid)?.failures ?? 0;
    const apart: Apart = { failures, rest: 0, running: true, changed: changeOf(item) };
    this.apart.set(item.uuid, apart);
    const job = this.polled(item, poll, signal, apart).finally(() => this.jobs.delete(job));
    this.jobs.add(job);
    return job;
  }

  private async polled(item: T, poll: Poll<T>, signal: AbortSignal, apart: Apart): Promise<void> {
    let answered = true; // an error of ours says nothing about the machine
    try {
      answered = await poll(item, signal);
    } catch (error) {
      if (!signal.aborted) this.settings.failed(item, error);
    } finally {
      apart.running = false;
      if (answered) this.apart.delete(item.uuid);
      else {
        apart.failures++;
        apart.rest = Math.min(Math.floor(2 ** (apart.failures - 2)), this.settings.mostRest);
      }
    }
  }

  /** At most `slow` at once; the rest are queued and begun in this round or a later one. */
  private beside(begin: () => Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push(() => begin().finally(resolve));
      this.pump();
    });
  }

  private pump(): void {
    while (this.slow < this.settings.slow) {
      const begin = this.waiting.shift();
      if (!begin) return;
      this.slow++;
      detached(
        'look at machines',
        begin().finally(() => {
          this.slow--;
          this.pump();
        }),
      );
    }
  }

  private async forGrace(jobs: readonly Promise<void>[]): Promise<void> {
    if (jobs.length === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.settings.grace);
    });
    await Promise.race([Promise.all(jobs), over]);
    clearTimeout(timer);
  }
}

function changeOf({ updated_at }: Polled): number {
  return updated_at?.getTime() ?? 0;
}
