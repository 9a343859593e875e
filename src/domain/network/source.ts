import { canonicalAddress } from '../agent/callback-url.js';

/**
 * The key of limits per source: an IPv4 address, or the /64 of an IPv6 address, since one machine can use any address
 * of its /64 (RFC 8981). An IPv4-mapped address counts as the IPv4 one; a link-local address keeps its zone, which
 * distinguishes links.
 * @param address as a socket gives it; an invalid one is returned unchanged
 */
export function sourceOf(address: string): string {
  const canonical = canonicalAddress(address);
  if (canonical === null || !canonical.includes(':')) return canonical ?? address;
  const [left = '', right] = canonical.split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const zeros = Array<string>(8 - head.length - tail.length).fill('0');
  const zone = /%.*$/.exec(address)?.[0] ?? '';
  return `${[...head, ...zeros, ...tail].slice(0, 4).join(':')}::/64${zone}`;
}

/** An amount for each source: connections, transfers, bytes. A source at 0 uses no memory. */
export class PerSource {
  readonly #held = new Map<string, number>();

  /** @param address as a socket gives it */
  of(address: string): number {
    return this.#held.get(sourceOf(address)) ?? 0;
  }

  add(address: string, amount = 1): void {
    this.#held.set(sourceOf(address), this.of(address) + amount);
  }

  giveBack(address: string, amount = 1): void {
    const left = this.of(address) - amount;
    if (left > 0) this.#held.set(sourceOf(address), left);
    else this.#held.delete(sourceOf(address));
  }
}

export interface PlaceLimits {
  readonly total: number;
  readonly perSource: number;
}

/** Places for work, or bytes in memory, limited in all and for each source. */
export class Places {
  readonly #taken = new PerSource();
  #total = 0;

  constructor(private readonly limits: PlaceLimits) {}

  /** @param address as a socket gives it @returns false where so many are not free; else they are to be given back */
  take(address: string, amount = 1): boolean {
    const { total, perSource } = this.limits;
    if (this.#total + amount > total || this.#taken.of(address) + amount > perSource) return false;
    this.#taken.add(address, amount);
    this.#total += amount;
    return true;
  }

  giveBack(address: string, amount = 1): void {
    this.#taken.giveBack(address, amount);
    this.#total -= amount;
  }
}
