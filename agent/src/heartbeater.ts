import type { AgentLog } from './agent-log.js';
import type { HeartbeatOutcome } from './api-client.js';

export interface HeartbeaterOptions {
  beat: () => Promise<HeartbeatOutcome>;
  /** Seconds after which conductors give the agent up. */
  timeout: number;
  log: AgentLog;
  random?: () => number;
}

/** Seconds between heartbeats after a command has ended, until the conductor has read its result. */
const UNHEARD_GAP = 5;
const MIN_GAP = 1;

/**
 * Sends heartbeats every 0.3 to 0.6 of the timeout, at once when a command has ended, and then every few seconds until
 * its result was read: conductors drop a heartbeat for a locked node, which would cost minutes.
 */
export class Heartbeater {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private beating = false;
  private again = false;
  private unheard = 0;
  private failures = 0;
  private last = Number.NEGATIVE_INFINITY;
  private readonly random: () => number;

  constructor(private readonly options: HeartbeaterOptions) {
    this.random = options.random ?? Math.random;
  }

  start(): void {
    this.schedule(0);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** Called when a command has ended. */
  commandEnded(): void {
    this.unheard = 6;
    const gap = Math.max(0, this.last + MIN_GAP * 1000 - performance.now());
    if (this.beating) this.again = true;
    else this.schedule(gap);
  }

  /** Called when the conductor has read the result of the last command. */
  resultRead(): void {
    this.unheard = 0;
  }

  private schedule(ms: number): void {
    if (this.stopped) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.run(), ms);
  }

  private async run(): Promise<void> {
    this.beating = true;
    const outcome = await this.options.beat();
    this.beating = false;
    this.last = performance.now();
    this.schedule(this.next(outcome) * 1000);
  }

  /** Seconds until the next heartbeat. */
  private next(outcome: HeartbeatOutcome): number {
    if (outcome.kind !== 'accepted') {
      this.failures += 1;
      this.options.log.say(`heartbeat not taken (${outcome.kind}): ${outcome.why}`);
      // A lock is short; any other failure is an API in trouble, which must not be flooded.
      const least = outcome.kind === 'locked' ? Math.min(5, 2 ** (this.failures - 1)) : 5;
      return least * (1 + this.random());
    }
    if (this.failures > 0) this.options.log.say('heartbeat taken again');
    this.failures = 0;
    if (this.again) {
      this.again = false;
      return MIN_GAP;
    }
    if (this.unheard > 0) {
      this.unheard -= 1;
      return UNHEARD_GAP;
    }
    return Math.max(5, this.options.timeout * (0.3 + 0.3 * this.random()));
  }
}
