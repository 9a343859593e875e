import { hasMessage } from '../../protocol/redfish/error-body.js';
import type { RedfishFault } from './faults.js';

/** Whether a request may be sent twice. */
export type Repeat =
  /** It only looks. */
  | 'looks'
  /** It changes something: again only when it is known that nothing was done. */
  | 'undone'
  /** A reset and its like: again only when nothing of it was sent. */
  | 'unsent';

/** Messages by which a BMC says that it did nothing, and that it will in a moment; the status does not matter. */
const PASSING = [
  'SYS518', // iDRAC: data sources unavailable
  'ServiceTemporarilyUnavailable',
  'UnableToModifyDuringSystemPOST', // iLO
  'InvalidOperationForSystemState', // iLO
  'ServiceInUnknownState',
] as const;

/** ms; what a BMC asks for is not believed beyond. */
const LONGEST_PAUSE = 30_000;
/** How often a BMC is asked that says it will do it later; with doubling pauses that is half a minute (Ironic: for iLO). */
const PASSING_MOST = 6;
const PASSING_PAUSE = 1_000;
const PASSING_LONGEST = 15_000;

export interface Attempts {
  /** Requests sent so far. */
  readonly sent: number;
  /** An operator, or work that one asked for, waits. */
  readonly attended: boolean;
  readonly most: number;
  /** ms */
  readonly interval: number;
}

/** Whether the BMC says that nothing was done, and that the same may do later. */
export function isPassing(fault: RedfishFault): boolean {
  const { status, messages = [] } = fault;
  return status === 429 || status === 503 || hasMessage(messages, ...PASSING);
}

/**
 * Whether a request that failed is sent again.
 * @returns ms to wait before; undefined: it is not sent again
 */
export function pauseBefore(fault: RedfishFault, repeat: Repeat, attempts: Attempts): number | undefined {
  // Nobody waits for a look of the daemon's own: it looks again in its next round.
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

/** Of the header Retry-After (RFC 9110 §10.2.3), in ms. */
export function retryAfterOf(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,6}$/.test(value.trim())) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(at - now, 0);
}
