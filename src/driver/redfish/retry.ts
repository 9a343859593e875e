import { hasMessage } from '../../protocol/redfish/error-body.js';
import type { RedfishFault } from './faults.js';

/** Whether a request may be sent twice. */
export type Repeat =
  /** It only reads. */
  | 'looks'
  /** It changes something: repeated only if it is known that nothing was done. */
  | 'undone'
  /** A reset or the like: repeated only if nothing of it was sent. */
  | 'unsent';

/** Messages by which a BMC reports that it did nothing and soon will be able to; the status does not matter. */
const PASSING = [
  'SYS518', // iDRAC: data sources unavailable
  'ServiceTemporarilyUnavailable',
  'UnableToModifyDuringSystemPOST', // iLO
  'InvalidOperationForSystemState', // iLO
  'ServiceInUnknownState',
] as const;

/** ms; upper bound of the pause that a BMC may request. */
const LONGEST_PAUSE = 30_000;
/** Requests to a BMC that asks to be tried later; with doubling pauses that is half a minute (Ironic: for iLO). */
const PASSING_MOST = 6;
const PASSING_PAUSE = 1_000;
const PASSING_LONGEST = 15_000;

export interface Attempts {
  /** Requests sent so far. */
  readonly sent: number;
  /** An operator, or work that one requested, waits. */
  readonly attended: boolean;
  readonly most: number;
  /** ms */
  readonly interval: number;
}

/** Whether the BMC reports that nothing was done, and that a later attempt may succeed. */
export function isPassing(fault: RedfishFault): boolean {
  const { status, messages = [] } = fault;
  return status === 429 || status === 503 || hasMessage(messages, ...PASSING);
}

/**
 * Whether a failed request is sent again.
 * @returns ms to wait before; undefined: it is not sent again
 */
export function pauseBefore(fault: RedfishFault, repeat: Repeat, attempts: Attempts): number | undefined {
  // A poll of the daemon's own is not worth waiting for: the next round repeats it.
  const later = fault.status !== undefined && isPassing(fault);
  const patient = later ? Math.max(attempts.most, PASSING_MOST) : attempts.most;
  if (attempts.sent >= (attempts.attended ? patient : Math.min(attempts.most, 2))) return undefined;
  if (fault.code === 'bmc-authentication') return undefined;
  const usual = later
    ? Math.min(PASSING_PAUSE * 2 ** (attempts.sent - 1), PASSING_LONGEST)
    : attempts.interval;
  const pause = Math.min(fault.retryAfter ?? usual, LONGEST_PAUSE);
  if (fault.status === undefined) {
    if (fault.code !== 'bmc-unreachable') return undefined;
    return fault.outcome === 'unsent' || repeat === 'looks' ? pause : undefined;
  }
  if (later) return repeat === 'unsent' ? undefined : pause;
  return repeat === 'looks' && fault.status >= 500 && fault.status !== 501 && fault.status !== 505
    ? pause
    : undefined;
}

/** The header Retry-After (RFC 9110 §10.2.3), in ms. */
export function retryAfterOf(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,6}$/.test(value.trim())) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(at - now, 0);
}
