/** ms for which a server counts after it was last chosen. */
const REMEMBERED = 3_600_000;
/** Most servers that are remembered: any machine can name an address. */
const MOST = 16;

/**
 * Other DHCP servers of the network, as known machines name them: a client that chooses an offer broadcasts the
 * identifier of its server (RFC 2131 §4.3.1), so that the other servers learn of it. With `mode: proxy` the site's own
 * server is one of them.
 */
export class ForeignServers {
  /** When each was last named, by its IP address: ms, monotonic. */
  readonly #named = new Map<string, number>();

  /** @returns whether it is new */
  note(address: string): boolean {
    const known = this.addresses().includes(address);
    if (!known && this.#named.size >= MOST) return false;
    this.#named.set(address, performance.now());
    return !known;
  }

  /** IP addresses of those named within the hour. */
  addresses(): string[] {
    const oldest = performance.now() - REMEMBERED;
    for (const [address, at] of this.#named) if (at < oldest) this.#named.delete(address);
    return [...this.#named.keys()];
  }
}
