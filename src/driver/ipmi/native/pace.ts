import { contained } from '../../../platform/boundary.js';

/** ms whose share of packets may leave at once. */
const BURST = 10;

/**
 * An upper bound of packets per second. A burst of thousands overflows the receive buffers of both sides: of 10,000
 * packets at once, a kernel with its usual buffers keeps a few hundred.
 */
export class Pace {
  readonly #perMs: number;
  readonly #most: number;
  #tokens: number;
  #at = performance.now();
  #waiting: (() => void)[] = [];
  #head = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(perSecond: number) {
    this.#perMs = perSecond / 1000;
    this.#most = Math.max(1, this.#perMs * BURST);
    this.#tokens = this.#most;
  }

  /** Calls `leave` now, or in turn when it may. */
  pass(leave: () => void): void {
    if (this.waiting === 0 && this.#take()) leave();
    else {
      this.#waiting.push(leave);
      this.#arm();
    }
  }

  get waiting(): number {
    return this.#waiting.length - this.#head;
  }

  #take(): boolean {
    const now = performance.now();
    this.#tokens = Math.min(this.#most, this.#tokens + (now - this.#at) * this.#perMs);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  #arm(): void {
    // One that cannot leave holds up none behind it.
    const again = () => {
      this.#timer = undefined;
      if (this.waiting > 0) this.#arm();
    };
    const due = contained('ipmi: pace', () => this.#release(), again);
    this.#timer ??= setTimeout(due, Math.max(1, 1 / this.#perMs));
  }

  #release(): void {
    this.#timer = undefined;
    while (this.waiting > 0 && this.#take()) this.#waiting[this.#head++]?.();
    if (this.waiting > 0) this.#arm();
    if (this.#head > 1_000 || this.waiting === 0) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
  }
}
