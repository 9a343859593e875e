import { detached } from '../../platform/boundary.js';
import { count } from '../../platform/meter/meter.js';
import { IpmiError, type LinkCall } from './link.js';

/** ms for the second reading. */
const TIMEOUT = 60_000;

/** Makes a share of the reads a second time by the other link, compares, and tells differences. Changes nothing. */
export class Shadow {
  private readonly ended = new AbortController();
  private running = 0;

  /** @param share 0-1 */
  constructor(private readonly share: number) {}

  stop(): void {
    this.ended.abort();
  }

  /**
   * The readings are the shadow's own: the call has returned, its reservation may have ended.
   * @param read the value, and a way to read it again: a machine changes in between
   * @param other reads it by the other link
   */
  compare<T>(
    call: LinkCall,
    what: string,
    read: { value: T; again(call: LinkCall): Promise<T> },
    other: (call: LinkCall) => Promise<T>,
  ): void {
    if (Math.random() >= this.share || this.running >= MOST) return;
    this.running++;
    const work = this.once(call, what, read, other).finally(() => {
      this.running--;
    });
    detached('ipmi: shadow', work);
  }

  private async once<T>(
    call: LinkCall,
    what: string,
    { value, again }: { value: T; again(call: LinkCall): Promise<T> },
    other: (call: LinkCall) => Promise<T>,
  ): Promise<void> {
    const signal = AbortSignal.any([this.ended.signal, AbortSignal.timeout(TIMEOUT)]);
    const { target, log } = call;
    const own: LinkCall = { target, log, attended: false, signal, fence: async () => {}, aside: true };
    const words = { bmc: call.target.address, what };
    try {
      const second = await other(own);
      const differs = !isSame(value, second) && !isSame(await again(own), second);
      count('ipmi_shadow_reads_total', { outcome: differs ? 'different' : 'same' });
      if (differs)
        call.log.warn({ ...words, first: value, second }, 'the two IPMI links read different values');
    } catch (error) {
      if (this.ended.signal.aborted) return;
      count('ipmi_shadow_reads_total', { outcome: 'failed' });
      const fault = error instanceof IpmiError ? error.fault.message : String(error);
      call.log.warn({ ...words, fault }, 'one IPMI link reads this BMC and the other does not');
    }
  }
}

/** Second readings at once. */
const MOST = 4;

function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
