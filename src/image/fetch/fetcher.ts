// One download for all waiters of an image: they share a flight, and each gets its own link.

import { CancelledError } from '../../domain/errors.js';
import { contained } from '../../platform/boundary.js';
import { count } from '../../platform/meter/meter.js';
import { KeyedMutex } from '../../platform/mutex.js';
import type { ImageCache } from '../cache/cache.js';
import type { CacheRecord } from '../cache/cache-entry.js';
import { type Built, type FetchRequest, type ImageBuilder, namesOf } from './builder.js';
import type { Progress } from './transfer-job.js';

export interface Delivered {
  record: CacheRecord;
  fromCache: boolean;
}

/** A running fetch or delivery, and its waiters. */
export interface TransferStatus {
  /** Id of the image. */
  id: string;
  href: string;
  waiting: string[];
  /** Bytes so far, and of the whole transfer. */
  bytes: number;
  total: number;
}

interface Waiter {
  /** Name of the waiter, for operators. */
  name: string;
  target: string;
  signal: AbortSignal | undefined;
  onProgress: Progress | undefined;
  resolve(delivered: Delivered): void;
  reject(error: unknown): void;
}

interface Flight {
  waiters: Set<Waiter>;
  request: FetchRequest;
  bytes: number;
  total: number;
  abort: AbortController;
  done: Promise<void>;
}

export class ImageFetcher {
  private readonly flights = new Map<string, Flight>();
  private readonly running = new Set<Flight>();
  private readonly lock = new KeyedMutex();

  constructor(
    private readonly cache: ImageCache,
    private readonly builder: ImageBuilder,
    /** Called with the bytes that a cache hit saved. */
    private readonly onHit: (name: string, bytes: number) => Promise<void> = async () => undefined,
  ) {}

  /**
   * Puts an image at `target`. A cancelled waiter leaves by itself; the work stops when the last one has left.
   * @throws CancelledError, FerricError image-refused, image-unavailable
   */
  async fetch(
    request: FetchRequest,
    target: string,
    options: { signal?: AbortSignal; onProgress?: Progress; name?: string } = {},
  ): Promise<Delivered> {
    const { signal, onProgress } = options;
    if (signal?.aborted) throw new CancelledError('The download was cancelled.');
    const key = JSON.stringify(request);
    const flight = this.flights.get(key) ?? this.launch(key, request);
    return new Promise<Delivered>((resolve, reject) => {
      const left = () => {
        flight.waiters.delete(waiter);
        waiter.reject(new CancelledError('The download was cancelled.'));
        if (flight.waiters.size > 0) return;
        flight.abort.abort();
        this.land(key, flight); // later requests start anew
      };
      const leave = contained('images: a waiter leaves', left, left);
      const settle = <T>(pass: (value: T) => void) => {
        return (value: T) => {
          signal?.removeEventListener('abort', leave);
          pass(value);
        };
      };
      const waiter = {
        name: options.name ?? 'a request',
        target,
        signal,
        onProgress,
        resolve: settle(resolve),
        reject: settle(reject),
      };
      flight.waiters.add(waiter);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  /** Stops all flights; resolves when they have stopped. */
  async close(): Promise<void> {
    const flights = [...this.running];
    for (const flight of flights) flight.abort.abort();
    await Promise.all(flights.map((flight) => flight.done));
  }

  /** The running fetches and deliveries. */
  waiting(): TransferStatus[] {
    return [...this.running].map(({ request, waiters, bytes, total }) => ({
      id: namesOf(request.source)[0],
      href: request.source.href,
      waiting: [...waiters].map(({ name }) => name),
      bytes,
      total,
    }));
  }

  /** Runs while no fetch or delivery of the image of that name runs. */
  alone<T>(name: string, action: () => Promise<T>): Promise<T> {
    return this.lock.run(name, action);
  }

  private launch(key: string, request: FetchRequest): Flight {
    const flight: Flight = {
      ...{ waiters: new Set<Waiter>(), request, bytes: 0, total: 0 },
      ...{ abort: new AbortController(), done: Promise.resolve() },
    };
    this.flights.set(key, flight);
    this.running.add(flight);
    flight.done = this.fly(key, request, flight).finally(() => this.running.delete(flight));
    return flight;
  }

  private async fly(key: string, request: FetchRequest, flight: Flight): Promise<void> {
    const names = namesOf(request.source);
    const { signal } = flight.abort;
    const onProgress: Progress = (bytes, total) => {
      flight.bytes = bytes;
      flight.total = total;
      for (const waiter of flight.waiters) waiter.onProgress?.(bytes, total);
    };
    try {
      // Until the links exist, the file must neither be removed nor replaced.
      await this.lock.run(names[0]!, () =>
        this.cache.holding(names, async () => {
          const built = await this.builder.build(request, { signal, onProgress });
          this.land(key, flight);
          onProgress(built.record.size, built.record.size);
          count(
            built.fromCache ? 'image_cache_hits_total' : 'image_cache_misses_total',
            {},
            flight.waiters.size,
          );
          const outcomes = await this.deliver(built, flight);
          await built.dispose();
          if (!built.fromCache) await this.cache.cleanUp();
          if (built.fromCache) await this.onHit(names[0]!, built.record.original.size * flight.waiters.size);
          for (const settle of outcomes) settle();
        }),
      );
    } catch (error) {
      this.land(key, flight);
      for (const waiter of flight.waiters) waiter.reject(error);
    }
  }

  /** Makes each waiter's link. The outcomes are returned and reported after the remaining work. */
  private async deliver({ path, record, fromCache }: Built, flight: Flight): Promise<(() => void)[]> {
    const outcomes: (() => void)[] = [];
    for (const waiter of flight.waiters) {
      try {
        await this.cache.deliver(path, waiter.target, waiter.signal);
        outcomes.push(() => waiter.resolve({ record, fromCache }));
      } catch (error) {
        outcomes.push(() => waiter.reject(error));
      }
    }
    return outcomes;
  }

  /** From now on a new request for the same image starts its own flight. */
  private land(key: string, flight: Flight): void {
    if (this.flights.get(key) === flight) this.flights.delete(key);
  }
}
