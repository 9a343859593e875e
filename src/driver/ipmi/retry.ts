import type { Retransmission } from './arguments.js';
import type { IpmiCommand } from './commands.js';
import type { IpmiFault } from './link.js';

/** Runs that a verdict which a lost packet can forge is given: BMCs lock accounts after a few wrong passwords. */
const DOUBTS = 3;

/** Runs for a BMC that is not there, while nobody waits for it: a packet's usual time, then the long one. */
const LOOKS = 2;

/** What a call has seen so far. */
export interface Tried {
  /** Runs of ipmitool, the last included. */
  runs: number;
  /** The last of them lost a packet, or trusted to what was remembered of the BMC. */
  doubtful: boolean;
  /** An operator, or work that one asked for, waits. */
  attended: boolean;
  /** Runs in a row without one packet from the BMC, those of earlier calls included. */
  silences: number;
}

/** Whether a command that failed so is given again, while there is time. */
export function worthAnother(fault: IpmiFault, command: IpmiCommand, tried: Tried): boolean {
  if (!fault.stage && !command.repeatable) return false;
  if (fault.unsure) return tried.doubtful && tried.runs < DOUBTS;
  if (fault.passing === undefined) return false;
  return !fault.absent || tried.attended || tried.silences < LOOKS;
}

/** The login is refused for certain: doubts were cleared, or heard often enough. */
export function wasRefused(fault: IpmiFault, tried: Tried): boolean {
  const login = fault.stage === 'session' && fault.code === 'bmc-authentication';
  return login && !(fault.unsure && tried.doubtful && tried.runs < DOUBTS);
}

/**
 * How the next run listens. Under loss, more sends in one run help most: a login takes 6 answers, a command 11. To a BMC
 * that is not there they only cost time, so it is looked at with one packet, by turns of the usual time and the long one.
 * @param last what the run before ended with
 */
export function retransmissionFor(
  command: IpmiCommand,
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
