import { sourceOf } from '../domain/network/source.js';

const MOST_SOURCES = 20_000;

/** A token bucket for each source (an IP address, or any other text), refilled evenly at a rate per minute. */
export class RateLimit {
  /** Source → tokens left and the time of that count, least recently seen first. */
  readonly #buckets = new Map<string, { left: number; at: number }>();

  /**
   * @param perMinute tokens per minute, and the burst size
   * @param now ms on a monotonic clock
   */
  constructor(
    private readonly perMinute: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * @param of a further key beside the address, with a bucket of its own
   * @returns 0 when the request may proceed, else seconds until one may
   */
  take(address: string, of = ''): number {
    const now = this.now();
    const key = bucketOf(address, of);
    const left = this.#left(key, now);
    this.#buckets.delete(key);
    this.#buckets.set(key, { left: left < 1 ? left : left - 1, at: now });
    if (this.#buckets.size > MOST_SOURCES) this.#buckets.delete(this.#buckets.keys().next().value!);
    return this.#wait(left);
  }

  /** Returns a token. */
  giveBack(address: string, of = ''): void {
    const bucket = this.#buckets.get(bucketOf(address, of));
    if (bucket) bucket.left += 1;
  }

  #left(key: string, now: number): number {
    const before = this.#buckets.get(key);
    const filled = before ? before.left + ((now - before.at) / 60_000) * this.perMinute : this.perMinute;
    return Math.min(filled, this.perMinute);
  }

  #wait(left: number): number {
    return left < 1 ? Math.max(1, Math.ceil(((1 - left) / this.perMinute) * 60)) : 0;
  }
}

function bucketOf(address: string, of: string): string {
  return `${sourceOf(address)} ${of}`;
}
