import type { IpmiSettings } from '../../config/section/ipmi.js';
import { CancelledError } from '../../domain/errors.js';
import { pause } from '../../platform/pause.js';
import { type BmcQueue, bmcKey, configuredQueue, type Means, type Verdict } from '../bmc/queue.js';
import { BmcMemory } from './bmc-memory.js';
import type { IpmiCommand } from './commands.js';
import { FAULTS } from './faults.js';
import { IpmiError, type IpmiFault, type LinkCall } from './link.js';
import { type Tried, wasRefused, worthAnother } from './retry.js';

/** ms between two attempts. */
const PAUSE = 1_000;

/** What of a command decides how often it is sent, and what an error names. */
export type Sent = Pick<IpmiCommand, 'words' | 'repeatable'>;

export interface BmcCall extends Omit<LinkCall, 'once'> {
  command: Sent;
}

/** @returns the call of that command; one that is sent once is not repeated, whatever the command is */
export function bmcCall<C extends Sent>(
  call: LinkCall,
  command: C,
): Omit<BmcCall, 'command'> & { command: C } {
  const { once, ...rest } = call;
  return once ? { ...rest, within: 0, command: { ...command, repeatable: false } } : { ...rest, command };
}

/** ms in which attempts of a call may begin. */
export function windowOf(
  { command_retry_timeout }: IpmiSettings,
  { within }: Pick<LinkCall, 'within'>,
): number {
  return Math.min(command_retry_timeout * 1000, within ?? Number.POSITIVE_INFINITY);
}

/** One attempt of a call. */
export interface Attempt {
  /** See `bmcKey`. */
  readonly key: string;
  /** The fault of the attempt before. */
  readonly last: IpmiFault | undefined;
  /** Receives whether the attempt lost a packet, or relied on remembered state. */
  doubt(doubtful: boolean): void;
}

/** The state of a call. */
interface Heard {
  last: IpmiFault | undefined;
  /** An attempt has begun, and has not ended: it may have sent the command. */
  running: boolean;
}

/**
 * Calls to BMCs, whatever sends their packets: one at a time at each BMC, repeated where `retry.ts` allows it, and none
 * with credentials that were refused. All links of a daemon share one, so that no BMC hears two of them at once.
 */
export class BmcCalls {
  private readonly memory = new BmcMemory();
  private readonly unlearning = new BmcMemory(this.memory);
  private readonly queue: BmcQueue;

  constructor(
    private readonly settings: IpmiSettings,
    queue?: BmcQueue,
  ) {
    this.queue = queue ?? configuredQueue(settings);
  }

  /**
   * @param attempt throws IpmiError
   * @throws IpmiError of the last attempt
   * @throws CancelledError when the signal fires
   */
  async run<T>(call: BmcCall, means: Means, attempt: (attempt: Attempt) => Promise<T>): Promise<T> {
    const heard: Heard = { last: undefined, running: false };
    try {
      return await this.repeated(call, means, attempt, heard);
    } catch (error) {
      // A timeout of the caller is no cancellation: the caller gets the last fault seen until then.
      const timeIsUp = error instanceof CancelledError && isTimeout(call.signal.reason);
      throw timeIsUp
        ? new IpmiError(faultAtTimeout(heard), call.command.words.join(' '), call.target)
        : error;
    }
  }

  /** What is known of BMCs; a call aside adds nothing to it. */
  memoryFor({ aside }: Pick<LinkCall, 'aside'>): BmcMemory {
    return aside ? this.unlearning : this.memory;
  }

  /** Work of a link's own at the BMC's turn, whose result nobody waits for. */
  async aside(key: string, means: Means, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    await this.queue.run(key, work, { signal, means, judge: () => 'answered' });
  }

  private async repeated<T>(
    call: BmcCall,
    means: Means,
    attempt: (attempt: Attempt) => Promise<T>,
    heard: Heard,
  ): Promise<T> {
    const end = performance.now() + windowOf(this.settings, call);
    const key = bmcKey(call.target);
    this.assertWelcome(key, call);
    let unsure = 0;
    for (let runs = 1; ; runs++) {
      let doubtful = false;
      const doubt = (doubts: boolean) => {
        doubtful = doubts;
      };
      try {
        const turn = { signal: call.signal, urgent: call.attended, means, judge: verdictOf };
        const work = () => {
          heard.running = true;
          return attempt({ key, last: heard.last, doubt });
        };
        return await this.queue.run(key, work, turn);
      } catch (error) {
        if (!(error instanceof IpmiError)) throw error;
        heard.running = false;
        heard.last = error.fault;
        const { last } = heard;
        if (last.unsure) unsure++;
        const tried: Tried = {
          unsure,
          doubtful,
          attended: call.attended,
          // A call aside counts none, and so does not look a second time for an absent BMC.
          silences: call.aside ? Number.POSITIVE_INFINITY : this.memory.of(key).silences,
        };
        if (!worthAnother(last, call.command, tried) || performance.now() + PAUSE >= end) {
          if (wasRefused(last, tried)) this.memoryFor(call).learnRefusal(key, call.target, last);
          throw error;
        }
        call.log.debug(
          { command: call.command.words, runs, fault: last.message },
          'IPMI command is tried again',
        );
        await pause(PAUSE, call.signal);
      }
    }
  }

  /** The daemon does not retry a refused login by itself: BMCs lock the account after a few attempts. */
  private assertWelcome(key: string, call: BmcCall): void {
    const refusal = call.attended ? undefined : this.memory.refusalOf(key, call.target);
    if (!refusal) return;
    const message = `${refusal.message}; it is not tried again until the credentials change or an operator asks`;
    throw new IpmiError({ ...refusal, message }, call.command.words.join(' '), call.target);
  }
}

function faultAtTimeout({ last = FAULTS.late, running }: Heard): IpmiFault {
  if (!running) return last;
  // Without a stage: what the attempts before knew of the command does not hold for this one.
  const { stage: _, ...fault }: IpmiFault = last.passing === undefined ? FAULTS.late : last;
  return fault;
}

/** The reason of AbortSignal.timeout(). */
function isTimeout(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === 'TimeoutError';
}

function verdictOf(error: unknown): Verdict {
  return (error instanceof IpmiError ? error.fault.passing : undefined) ?? 'answered';
}
