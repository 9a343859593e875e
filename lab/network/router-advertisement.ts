import { LabProcess } from '../process/lab-process.js';
import type { Ledger } from '../process/ledger.js';

// RFC 4861 §4.2: hop limit 64, no flags, router lifetime 0 ("not a default router"), no options. The kernel fills the
// checksum of a raw ICMPv6 socket.
const ADVERTISEMENT = Buffer.from([134, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
const IPV6_MULTICAST_HOPS = 18;

/**
 * Announces on the bridge that there is no IPv6 router. Without it, iPXE waits some 13 s for one at every boot.
 * Sent once a second instead of upon solicitations, so no raw receiver is needed.
 */
export class RouterAdvertiser {
  #stopping = false;

  private constructor(
    private readonly socat: LabProcess,
    private readonly timer: NodeJS.Timeout,
  ) {}

  static async start(namespace: string, link: string, ledger: Ledger): Promise<RouterAdvertiser> {
    // Receivers refuse every hop limit but 255 (RFC 4861 §6.1.2).
    const target = `IP6-SENDTO:[ff02::1%${link}]:58,setsockopt-int=41:${IPV6_MULTICAST_HOPS}:255`;
    const socat = await LabProcess.start({
      file: 'socat',
      args: ['-u', 'STDIN', target],
      namespace,
      stdio: ['pipe', 'ignore', 'pipe'],
      ledger,
    });
    const { stdin, stderr } = socat.child;
    let trouble = '';
    stderr?.on('data', (chunk: Buffer) => {
      trouble = (trouble + chunk.toString()).slice(-1000);
    });
    stdin?.on('error', () => undefined); // socat has exited: `exited` reports it
    const timer = setInterval(() => stdin?.write(ADVERTISEMENT), 1_000);
    timer.unref();
    socat.child.unref();
    const advertiser = new RouterAdvertiser(socat, timer);
    void socat.exited.then(() => {
      clearInterval(timer);
      // Boots work without it, but each takes some 13 s longer.
      if (!advertiser.#stopping)
        process.emitWarning(`no router advertisements in the lab: ${trouble.trim()}`);
    });
    return advertiser;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.timer);
    await this.socat.end();
  }
}
