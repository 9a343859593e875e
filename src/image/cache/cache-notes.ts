// Further records of the cache: pins, use counts of each image, and prefetches.
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CONVERTED } from './cache-entry.js';

export const PREFETCH_STATES = ['waiting', 'fetching', 'done', 'failed'] as const;

const prefetch = z.object({
  id: z.string(),
  href: z.string(),
  checksum: z.string().nullable(),
  /** A kernel or ramdisk: its bytes are not inspected. */
  opaque: z.boolean(),
  state: z.enum(PREFETCH_STATES),
  /** The reason of a failure. */
  error: z.string().nullable(),
  /** ISO 8601. */
  asked_at: z.string(),
  finished_at: z.string().nullable(),
});
export type Prefetch = z.output<typeof prefetch>;

const notes = z.object({
  version: z.literal(1),
  /** Name of an image, without `.converted` → since when (ISO 8601). */
  pins: z.record(z.string(), z.string()),
  /** Name → deliveries without a transfer, and the bytes that these saved. */
  uses: z.record(z.string(), z.object({ hits: z.number(), saved: z.number() })),
  prefetches: z.array(prefetch),
});
type Notes = z.output<typeof notes>;

/** Finished prefetches that are kept for reports. */
const KEPT = 50;

/** The common name of an image and its converted copy. */
export function plainName(name: string): string {
  return name.endsWith(CONVERTED) ? name.slice(0, -CONVERTED.length) : name;
}

/** The file's name. */
export const NOTES = 'notes.json';

/** One file in the cache's directory. A change is on disk when its promise resolves. */
export class CacheNotes {
  #notes: Notes = { version: 1, pins: {}, uses: {}, prefetches: [] };
  #writing: Promise<void> = Promise.resolve();

  constructor(private readonly directory: string) {}

  /** @throws Error for a file of unknown form */
  async load(): Promise<void> {
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    this.#notes = notes.parse(JSON.parse(text));
  }

  isPinned(name: string): boolean {
    return this.pinnedSince(name) !== undefined;
  }

  pinnedSince(name: string): string | undefined {
    return this.#notes.pins[plainName(name)];
  }

  async pin(name: string): Promise<void> {
    this.#notes.pins[plainName(name)] ??= new Date().toISOString();
    await this.#write();
  }

  async unpin(name: string): Promise<void> {
    delete this.#notes.pins[plainName(name)];
    await this.#write();
  }

  useOf(name: string): { hits: number; saved: number } {
    return this.#notes.uses[plainName(name)] ?? { hits: 0, saved: 0 };
  }

  get saved(): number {
    return Object.values(this.#notes.uses).reduce((sum, { saved }) => sum + saved, 0);
  }

  /** Counts one delivery from the cache. */
  async hit(name: string, bytes: number): Promise<void> {
    const { hits, saved } = this.useOf(name);
    this.#notes.uses[plainName(name)] = { hits: hits + 1, saved: saved + bytes };
    await this.#write();
  }

  get prefetches(): readonly Prefetch[] {
    return this.#notes.prefetches;
  }

  async add(one: Prefetch): Promise<void> {
    const ended = this.#notes.prefetches.filter(({ finished_at }) => finished_at !== null);
    const old = new Set(ended.slice(0, Math.max(0, ended.length - KEPT + 1)));
    this.#notes.prefetches = [...this.#notes.prefetches.filter((other) => !old.has(other)), one];
    await this.#write();
  }

  async change(id: string, changes: Partial<Prefetch>): Promise<void> {
    this.#notes.prefetches = this.#notes.prefetches.map((one) =>
      one.id === id ? { ...one, ...changes } : one,
    );
    await this.#write();
  }

  get #path(): string {
    return join(this.directory, NOTES);
  }

  /** Writes run in sequence; each writes the state at its time. */
  #write(): Promise<void> {
    const write = async () => {
      await writeFile(`${this.#path}.new`, JSON.stringify(this.#notes));
      await rename(`${this.#path}.new`, this.#path);
    };
    const turn = this.#writing.then(write);
    // A failure is reported to its own caller only; the next write starts afresh.
    this.#writing = turn.catch(() => undefined);
    return turn;
  }
}
