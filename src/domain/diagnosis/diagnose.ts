import type { FailureReason } from '../step/advance.js';
import { causeOf } from './causes.js';
import { type Seen, seenText } from './progress.js';

/** An attempt, as far as a diagnosis needs it. */
export interface Attempted {
  readonly kind: string;
  readonly outcome: 'succeeded' | 'failed' | 'aborted' | 'superseded' | null;
  readonly reason: FailureReason | null;
  readonly error: string | null;
  readonly waits_for: string | null;
  readonly deadline: Date | null;
  readonly steps: readonly { interface: string; step: string; state: string }[];
  readonly sightings: readonly Seen[];
}

export interface Diagnosis {
  /** `interface.step` that failed or is under way. */
  readonly step: string | null;
  /** Id of the row of `CAUSES`; null without a failure. */
  readonly cause_id: string | null;
  /** A sentence. */
  readonly cause: string;
  /** A sentence on what was seen of the machine. */
  readonly seen: string;
  /** What an operator can do, in order. */
  readonly next: readonly string[];
}

const NO_FAILURE = {
  succeeded: 'It succeeded.',
  aborted: 'It was aborted on request.',
  superseded: 'A later request took its place.',
} as const;

/**
 * Why an attempt ended as it did, or what it waits for.
 * @param hears_dhcp whether Ferric's DHCP serves the machines
 */
export function diagnose(attempt: Attempted, hears_dhcp: boolean): Diagnosis {
  const { outcome, reason, error, steps, sightings } = attempt;
  const at = steps.find(({ state }) => state === 'failed' || state === 'running' || state === 'waiting');
  const step = at === undefined ? null : `${at.interface}.${at.step}`;
  const seen = seenText(sightings);
  if (outcome === 'failed') {
    const { id, cause, next } = causeOf({ reason, error, step, seen: sightings, hears_dhcp });
    return { step, cause_id: id, cause, seen, next };
  }
  const cause = outcome === null ? underWay(attempt, step) : NO_FAILURE[outcome];
  return { step, cause_id: null, cause, seen, next: [] };
}

function underWay({ waits_for, deadline }: Attempted, step: string | null): string {
  if (waits_for === null) return `It is under way${step === null ? '' : `, in step ${step}`}.`;
  const what = waits_for === 'heartbeat' ? 'the agent’s next heartbeat' : 'the end of its step';
  const until = deadline === null ? '' : `, until ${deadline.toISOString()} at the latest`;
  return `It waits for ${what}${step === null ? '' : ` (${step})`}${until}.`;
}
