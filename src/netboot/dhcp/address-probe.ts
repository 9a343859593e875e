import { createSocket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { contained } from '../../platform/boundary.js';

/** RFC 863, discard: a port on which hardly any host listens. */
const DISCARD = 9;
/** Milliseconds between reads of the kernel's ARP table. */
const LOOK = 20;
/** Probes at once. The kernel keeps unanswered neighbours for seconds, and has room for about a thousand. */
const MAX_UNDER_WAY = 64;
const ARP_COMPLETE = 2;

/**
 * Probes whether an address is in use, without raw sockets: a datagram to it makes the kernel send an ARP request,
 * whose answer appears in /proc/net/arp. A host behind a router answers with ICMP port unreachable.
 */
export class AddressProbe {
  #underWay = 0;

  /** @param wait milliseconds for an answer; 0: no address is probed */
  constructor(
    private readonly device: string,
    private readonly wait: number,
  ) {}

  /**
   * The user of the address: a MAC address, or `ICMP`. Null: no answer, the client itself, or too many probes at once.
   */
  async userOf(address: string, client: string): Promise<string | null> {
    if (this.wait === 0 || this.#underWay >= MAX_UNDER_WAY) return null;
    this.#underWay++;
    const socket = createSocket('udp4');
    let refused = false;
    // ECONNREFUSED proves that the host is there. Other errors prove nothing.
    const hear = (error: NodeJS.ErrnoException) => {
      refused ||= error.code === 'ECONNREFUSED';
    };
    // The probe is sent once: a fault must not make its address a free one.
    socket.on(
      'error',
      contained('DHCP: probe', hear, (_fault, [error]) => hear(error)),
    );
    try {
      // A neighbour known before the probe may be long gone: only a new answer counts.
      const before = await this.#neighbour(address);
      // Without a route to the address the probe cannot find it in use.
      const ask = (error?: Error) => error === undefined && socket.send('\0');
      socket.connect(
        DISCARD,
        address,
        contained('DHCP: probe', ask, (_fault, [error]) => ask(error)),
      );
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

  /** The MAC address in the kernel's ARP table for an address on the served interface. */
  async #neighbour(address: string): Promise<string | null> {
    // A service manager may hide the table (ProcSubset=pid): only ICMP is left then.
    const table = await readFile('/proc/net/arp', 'latin1').catch(() => '');
    for (const line of table.split('\n')) {
      const [ip, , flags, mac, , device] = line.split(/\s+/);
      if (ip === address && device === this.device && Number(flags) & ARP_COMPLETE)
        return mac?.toLowerCase() ?? null;
    }
    return null;
  }
}
