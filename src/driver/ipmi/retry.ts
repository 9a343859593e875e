import type { Retransmission } from './arguments.js';
import type { IpmiCommand } from './commands.js';
import type { IpmiFault } from './link.js';

/** Times a fault that a lost packet can imitate may come before it is final: BMCs lock accounts after a few wrong passwords. */
const DOUBTS = 3;

/** Runs for an absent BMC while no operator waits: one with a packet's usual timeout, one with the long one. */
const LOOKS = 2;

/** The runs of a call so far. */
export interface Tried {
  /** Runs that ended in a fault that a lost packet can imitate, the last included. Silences between them do not count. */
  unsure: number;
  /** The last run lost a packet, or relied on remembered state of the BMC. */
  doubtful: boolean;
  /** An operator, or work that one requested, waits. */
  attended: boolean;
  /** Consecutive runs without one packet from the BMC, including those of earlier calls. */
  silences: number;
}

/** Whether a command that failed with this fault is sent again, while there is time. */
export function worthAnother(
  fault: IpmiFault,
  command: Pick<IpmiCommand, 'repeatable'>,
  tried: Tried,
): boolean {
  if (!fault.stage && !command.repeatable) return false;
  if (fault.unsure) return tried.doubtful && tried.unsure < DOUBTS;
  if (fault.passing === undefined) return false;
  return !fault.absent || tried.attended || tried.silences < LOOKS;
}

/** The refusal of the login is certain: no doubt is left, or it was repeated often enough. */
export function wasRefused(fault: IpmiFault, tried: Tried): boolean {
  const login = fault.stage === 'session' && fault.code === 'bmc-authentication';
  return login && !(fault.unsure && tried.doubtful && tried.unsure < DOUBTS);
}

/**
 * How long and often the next run sends. Under packet loss, more sends in one run help most: a login takes 6 answers,
 * a command 11. An absent BMC gets a single packet, alternately with the usual and the long timeout: more cost time.
 * @param last the fault of the run before
 */
export function retransmissionFor(
  command: Pick<IpmiCommand, 'repeatable'>,
  known: { slow: boolean; silences: number },
  last: IpmiFault | undefined,
  times: { brief: number; long: number },
): Retransmission {
  const gone = known.silences > 0;
  const late = gone ? known.silences % 2 === 1 : last?.passing === 'silent';
  return {
    seconds: known.slow || late ? Math.max(times.long, times.brief) : times.brief,
    sends: !command.repeatable || gone ? 1 : last ? 3 : 2,
  };
}
