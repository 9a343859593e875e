// The image cache for operators: report, pins, eviction, prefetches.
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { CancelledError, ConflictError, FerricError, messageOf, NotFoundError } from '../../domain/errors.js';
import type { Delivered, TransferStatus } from '../fetch/fetcher.js';
import type { Progress } from '../fetch/transfer-job.js';
import type { CachedMaster, ImageCache } from './cache.js';
import { type CacheNotes, type Prefetch, plainName } from './cache-notes.js';

export interface CacheImage {
  /** The Image service's id, or the URL's UUID (RFC 4122 version 5). */
  id: string;
  href: string;
  /** The raw conversion, beside or instead of the original file. */
  converted: boolean;
  /** Bytes on this disk. */
  size: number;
  disk_format: string | null;
  sha256: string;
  /** ISO 8601, as all times here. */
  fetched_at: string | null;
  used_at: string;
  /** As its source reported them when it was fetched. */
  last_modified: string | null;
  etag: string | null;
  in_use: boolean;
  pinned_at: string | null;
  hits: number;
  bytes_saved: number;
  /** 1 is evicted first when room is needed; null: it is not evicted. */
  eviction_order: number | null;
  /** The waiters of a running fetch. */
  waiting: string[];
}

export interface CachePrefetch extends Prefetch {
  /** Bytes so far, and of the whole; null while no transfer runs. */
  bytes: number | null;
  total: number | null;
}

export interface CacheReport {
  images: CacheImage[];
  prefetches: CachePrefetch[];
  /** Running transfers, of images that may not be in the cache yet. */
  transfers: TransferStatus[];
  /** Bytes. */
  size: number;
  max_size: number;
  bytes_saved: number;
}

export interface CacheAdminParts {
  cache: ImageCache;
  notes: CacheNotes;
  /** Bytes. */
  maxBytes: number;
  waiting(): TransferStatus[];
  /** Runs while no other work changes the image of that name. */
  alone<T>(name: string, action: () => Promise<T>): Promise<T>;
  /** Fetches into the cache; `target` becomes a link to the cached file. */
  fetch(one: Prefetch, target: string, signal: AbortSignal, onProgress: Progress): Promise<Delivered>;
  /** Whether a copy may be kept. @throws FerricError */
  isCacheable(href: string, signal: AbortSignal): Promise<boolean>;
  /** @throws InvalidError */
  check(href: string, checksum: string | null): void;
}

export class CacheAdmin {
  readonly #stop = new AbortController();
  readonly #progress = new Map<string, { bytes: number; total: number }>();
  readonly #running = new Set<Promise<void>>();

  constructor(private readonly parts: CacheAdminParts) {}

  /** Resumes prefetches that were unfinished at the last stop. */
  start(): void {
    for (const one of this.parts.notes.prefetches) if (one.finished_at === null) this.#launch(one);
  }

  /** Stops running prefetches; the next start resumes them. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  async report(): Promise<CacheReport> {
    const { cache, notes, maxBytes } = this.parts;
    const masters = (await cache.described()).sort((a, b) => a.usedAt - b.usedAt);
    const transfers = this.parts.waiting();
    let order = 0;
    const images = masters.map((master) => {
      const stays = master.inUse || cache.isHeld(master.name);
      return this.#image(master, stays ? null : ++order, transfers);
    });
    return {
      images,
      prefetches: notes.prefetches.map((one) => this.#prefetch(one)),
      transfers,
      size: masters.reduce((sum, { size }) => sum + size, 0),
      max_size: maxBytes,
      bytes_saved: notes.saved,
    };
  }

  /** @throws NotFoundError */
  async pin(id: string): Promise<void> {
    await this.#known(id);
    await this.parts.notes.pin(id);
  }

  /** @throws NotFoundError */
  async unpin(id: string): Promise<void> {
    if (!this.parts.notes.isPinned(id)) await this.#known(id);
    await this.parts.notes.unpin(id);
  }

  /**
   * Removes an image with its conversion.
   * @throws NotFoundError, ConflictError while it is in use, waited for or pinned
   */
  async evict(id: string): Promise<void> {
    if (this.parts.notes.isPinned(id)) throw new ConflictError(`Image ${id} is pinned; unpin it first.`);
    const waiting = this.parts.waiting().find((one) => one.id === id);
    if (waiting) throw new ConflictError(`Image ${id} is being fetched for ${waiting.waiting.join(', ')}.`);
    await this.parts.alone(id, async () => {
      const found = await this.#known(id);
      if (found.some(({ inUse }) => inUse)) throw new ConflictError(`Image ${id} is in use by a deployment.`);
      for (const { name } of found) await this.parts.cache.remove(name, 'request');
    });
  }

  /**
   * Starts fetching an image before its use. The request is on disk before this returns.
   * @throws InvalidError
   */
  async prefetch(href: string, checksum: string | null, opaque: boolean): Promise<CachePrefetch> {
    this.parts.check(href, checksum);
    const same = this.parts.notes.prefetches.find((one) => one.href === href && one.finished_at === null);
    if (same) return this.#prefetch(same);
    const one: Prefetch = {
      ...{ id: randomUUID(), href, checksum, opaque, state: 'waiting', error: null },
      ...{ asked_at: new Date().toISOString(), finished_at: null },
    };
    await this.parts.notes.add(one);
    this.#launch(one);
    return this.#prefetch(one);
  }

  #launch(one: Prefetch): void {
    const run = this.#run(one).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  async #run(one: Prefetch): Promise<void> {
    const { notes, cache } = this.parts;
    const { signal } = this.#stop;
    const target = cache.partPath(); // after a kill, removed at the next start
    try {
      await notes.change(one.id, { state: 'fetching' });
      if (!(await this.parts.isCacheable(one.href, signal)))
        throw new FerricError(
          'image-refused',
          'its source tells no Last-Modified, or no-store: no copy can be kept',
        );
      await this.parts.fetch(one, target, signal, (bytes, total) =>
        this.#progress.set(one.id, { bytes, total }),
      );
      await rm(target, { force: true }); // removed first: when the state reads `done`, nothing holds the file
      await notes.change(one.id, { state: 'done', finished_at: new Date().toISOString() });
    } catch (error) {
      // Stopped with the daemon: the prefetch stays to be done.
      const ended = signal.aborted && error instanceof CancelledError;
      const changes: Partial<Prefetch> = ended
        ? { state: 'waiting' }
        : { state: 'failed', error: messageOf(error), finished_at: new Date().toISOString() };
      await notes.change(one.id, changes);
    } finally {
      await rm(target, { force: true });
    }
  }

  async #known(id: string): Promise<CachedMaster[]> {
    const found = (await this.parts.cache.described()).filter(({ name }) => plainName(name) === id);
    if (found.length === 0) throw new NotFoundError(`Image ${id} is not in the cache.`);
    return found;
  }

  #image(
    { name, href, size, usedAt, inUse, record }: CachedMaster,
    order: number | null,
    transfers: TransferStatus[],
  ): CacheImage {
    const { notes } = this.parts;
    const id = plainName(name);
    const { hits, saved } = notes.useOf(id);
    const { original, inspection, fetched } = record;
    return {
      ...{
        id,
        href,
        converted: record.converted,
        size,
        disk_format: inspection.format ?? null,
        sha256: record.sha256,
      },
      fetched_at: isoOf(fetched),
      used_at: isoOf(usedAt)!,
      last_modified: isoOf(original.lastModified),
      etag: original.etag ?? null,
      in_use: inUse,
      pinned_at: notes.pinnedSince(id) ?? null,
      hits,
      bytes_saved: saved,
      eviction_order: order,
      waiting: transfers.filter((one) => one.id === id).flatMap((one) => one.waiting),
    };
  }

  #prefetch(one: Prefetch): CachePrefetch {
    const progress = this.#progress.get(one.id);
    return { ...one, bytes: progress?.bytes ?? null, total: progress?.total ?? null };
  }
}

function isoOf(milliseconds: number | undefined): string | null {
  return milliseconds === undefined ? null : new Date(milliseconds).toISOString();
}
