import { contained } from './boundary.js';

export interface WriteBehindParts<Entry> {
  /** Names the timer in errors. */
  readonly label: string;
  /** ms from the first addition to the write. */
  readonly interval: number;
  /** Entries that wait; beyond it, further keys are dropped until the next write. */
  readonly most: number;
  /** Writes all of them together, or none. */
  write(entries: readonly Entry[]): Promise<void>;
  /** The entry that stands for two of the same key. */
  merge(kept: Entry, later: Entry): Entry;
  /** Hears of a write that failed; its entries are part of the next one. */
  failed(error: unknown): void;
}

/**
 * A write-behind buffer: many small additions become one write for each interval. What is lost by a kill is the last
 * interval; what a write that failed may have written none the less is written twice.
 */
export class WriteBehind<Entry> {
  #pending = new Map<string, Entry>();
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;
  #last: Promise<void> = Promise.resolve();

  constructor(private readonly parts: WriteBehindParts<Entry>) {}

  /** @param key entries of one key are merged */
  add(key: string, entry: Entry): void {
    this.#keep(key, entry);
    this.#arm();
  }

  /** Writes what is pending, once earlier writes have ended. */
  flush(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#last = this.#last.then(() => this.#write());
    return this.#last;
  }

  /** Writes once more what is pending; nothing is written on a timer afterwards. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.flush();
  }

  async #write(): Promise<void> {
    const pending = this.#pending;
    if (pending.size === 0) return;
    this.#pending = new Map();
    try {
      await this.parts.write([...pending.values()]);
    } catch (error) {
      const since = this.#pending;
      this.#pending = pending;
      for (const [key, entry] of since) this.#keep(key, entry);
      this.parts.failed(error);
      this.#arm();
    }
  }

  #keep(key: string, entry: Entry): void {
    const kept = this.#pending.get(key);
    if (kept !== undefined) this.#pending.set(key, this.parts.merge(kept, entry));
    else if (this.#pending.size < this.parts.most) this.#pending.set(key, entry);
  }

  #arm(): void {
    if (this.#stopped) return;
    const again = () => {
      this.#timer = null;
      this.#arm();
    };
    const write = contained(this.parts.label, () => this.flush(), again);
    this.#timer ??= setTimeout(write, this.parts.interval).unref();
  }
}
