import { contained } from '../../platform/boundary.js';
/** The ports of the inventory, as DHCP queries them. */
export interface KnownPorts {
  /** @param mac lower case with colons */
  byMac(mac: string): Promise<{ uuid: string; node_uuid: string } | null>;
  /** Every MAC address, lower case with colons. */
  addresses(): Promise<string[]>;
}

/** Milliseconds between queries of the database, however many unknown clients ask. */
const REFRESH_GAP = 1_000;
const MAX_WAITING = 256;

/**
 * The MAC addresses of all ports, in memory: an unknown MAC costs no query of its own, so a flood of invented ones does
 * not delay known machines. A packet of an unknown MAC waits for the next refresh.
 */
export class KnownMacs<T> {
  #known = new Set<string>();
  readonly #waiting = new Map<string, T>();
  #timer: NodeJS.Timeout | null = null;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param arrived called for a waiting packet whose MAC is a port after the refresh
   * @param stranger called for one whose MAC is not
   */
  constructor(
    private readonly ports: Pick<KnownPorts, 'addresses'>,
    private readonly on: {
      arrived(packet: T): void;
      stranger(mac: string): void;
      failed(error: unknown): void;
    },
  ) {}

  async load(): Promise<void> {
    this.#known = new Set(await this.ports.addresses());
    this.#lookedAt = performance.now();
  }

  has(mac: string): boolean {
    return this.#known.has(mac);
  }

  /** Keeps the packet until the next refresh. Under a flood the surplus is dropped: clients repeat. */
  wait(mac: string, packet: T): void {
    if (this.#waiting.size >= MAX_WAITING && !this.#waiting.has(mac)) return;
    this.#waiting.set(mac, packet);
    this.#timer ??= setTimeout(
      contained(
        'DHCP: look at the ports',
        () => this.#look(),
        () => this.stop(), // clients repeat, and the next one sets it again
      ),
      Math.max(0, this.#lookedAt + REFRESH_GAP - performance.now()),
    );
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#waiting.clear();
  }

  async #look(): Promise<void> {
    try {
      await this.load();
    } catch (error) {
      this.#lookedAt = performance.now();
      this.on.failed(error);
    }
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    this.#timer = null;
    for (const [mac, packet] of waiting) {
      if (this.#known.has(mac)) this.on.arrived(packet);
      else this.on.stranger(mac);
    }
  }
}
