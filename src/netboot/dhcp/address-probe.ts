import { createSocket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { contained } from '../../platform/boundary.js';

/** RFC 863, discard: hardly anybody listens there. */
const DISCARD = 9;
/** Milliseconds between looks at the kernel's table of neighbours. */
const LOOK = 20;
/** Probes under way at once. The kernel keeps unanswered neighbours for seconds, and has room for about a thousand. */
const MAX_UNDER_WAY = 64;
const ARP_COMPLETE = 2;

/**
 * Looks whether somebody uses an address, without raw sockets: a datagram to it makes the kernel ask by ARP, whose
 * answer shows in /proc/net/arp; from behind a router a host says by ICMP that nobody listens there.
 */
export class AddressProbe {
  #underWay = 0;

  /** @param wait milliseconds for an answer; 0: no address is probed */
  constructor(
    private readonly device: string,
    private readonly wait: number,
  ) {}

  /**
   * Who uses the address: a MAC address, or `ICMP`. Null: nobody answered, it is the client itself, or there was no room
   * to look.
   */
  async userOf(address: string, client: string): Promise<string | null> {
    if (this.wait === 0 || this.#underWay >= MAX_UNDER_WAY) return null;
    this.#underWay++;
    const socket = createSocket('udp4');
    let refused = false;
    // ECONNREFUSED: the host is there. Anything else says nothing about it.
    socket.on(
      'error',
      contained('DHCP: probe', (error: NodeJS.ErrnoException) => {
        refused ||= error.code === 'ECONNREFUSED';
      }),
    );
    try {
      // A neighbour that was known before may be long gone: only what answers now counts.
      const before = await this.#neighbour(address);
      // Where there is no way to the address, nobody can say that it is in use.
      const ask = (error?: Error) => error === undefined && socket.send('\0');
      socket.connect(DISCARD, address, contained('DHCP: probe', ask));
      for (const end = performance.now() + this.wait; performance.now() < end; ) {
        await sleep(LOOK);
        const now = refused || before === null ? await this.#neighbour(address) : null;
        if (now === client) return null;
        if (now !== null && (refused || now !== before)) return now;
        if (refused) return 'ICMP';
      }
      return null;
    } finally {
      socket.close();
      this.#underWay--;
    }
  }

  /** The MAC address that the kernel knows for an address on our wire. */
  async #neighbour(address: string): Promise<string | null> {
    // A service manager may hide it (ProcSubset=pid): then ICMP is all there is.
    const table = await readFile('/proc/net/arp', 'latin1').catch(() => '');
    for (const line of table.split('\n')) {
      const [ip, , flags, mac, , device] = line.split(/\s+/);
      if (ip === address && device === this.device && Number(flags) & ARP_COMPLETE)
        return mac?.toLowerCase() ?? null;
    }
    return null;
  }
}
