import type { ErrorCode } from '../errors.js';
import { keptText } from '../kept-text.js';
import { newStep, orderSteps, type Step, type StepOutcome, type Wake } from './step.js';

/**
 * The state machine of an operation as a pure function: (journal, event) -> (journal, effect). The runner commits the
 * journal before it performs the effect, so a restart always finds the intent.
 */
export interface Journal {
  /** `ending`: the result is decided, the clean-up after a failure is still to be done. */
  readonly state: 'running' | 'waiting' | 'held' | 'ending' | 'finished';
  readonly cursor: number;
  readonly steps: readonly Step[];
  /** Requested while a step ran that cannot be aborted: takes effect when the step ends. */
  readonly abort_requested: boolean;
  readonly result: Result | null;
}

/** Why an operation failed, as a code: that of the error, or the one that no error has. */
export type FailureReason = ErrorCode | 'conductor-lost';

export interface Result {
  readonly is: 'succeeded' | 'failed' | 'aborted';
  readonly message: string | null;
  /** Of a failure only; absent in journals of earlier versions. */
  readonly reason?: FailureReason;
}

export type StepEvent =
  | { on: 'begin' }
  | { on: 'wake'; why: 'heartbeat' | 'poll' | 'deadline' }
  /** A conductor resumes the operation after its predecessor died. */
  | { on: 'restart' }
  /** `late`: the step was entered at its deadline. */
  | { on: 'outcome'; outcome: StepOutcome; late?: boolean }
  | { on: 'failure'; message: string; reason: ErrorCode }
  | { on: 'deadline' }
  | { on: 'abort' };

export type Effect =
  | { do: 'run'; position: number; wake: Wake }
  | { do: 'wait'; for: 'heartbeat' | 'poll'; pollAfter: number | null; timeout: number | 'anew' | null }
  | { do: 'hold' }
  | { do: 'end'; result: Result }
  /**
   * There is nothing to commit: the event has no effect here, e.g. a heartbeat while a step runs, or it is a deferred
   * abort, which was written with its request.
   */
  | { do: 'nothing' };

export interface Advance {
  journal: Journal;
  effect: Effect;
}

export function newJournal(steps: readonly Step[]): Journal {
  return { state: 'running', cursor: 0, steps, abort_requested: false, result: null };
}

export function advance(journal: Journal, event: StepEvent): Advance {
  if (journal.state === 'finished') return nothing(journal);
  if (journal.state === 'ending') {
    return event.on === 'restart' || event.on === 'failure'
      ? { journal, effect: { do: 'end', result: journal.result! } }
      : nothing(journal);
  }
  const step = journal.steps[journal.cursor];
  switch (event.on) {
    case 'begin':
      return journal.state === 'running' ? proceed(journal) : nothing(journal);
    case 'wake':
      if (journal.state !== 'waiting' || !step) return nothing(journal);
      return enter(journal, step, event.why);
    case 'restart':
      if (journal.state !== 'running') return nothing(journal);
      if (!step || step.state === 'pending') return proceed(journal);
      if (step.rerunnable) return enter(journal, step, 'restart');
      return end(
        journal,
        'failed',
        `The conductor died during step ${label(step)}, which cannot be run again.`,
        'conductor-lost',
      );
    case 'outcome':
      if (journal.state !== 'running' || !step) return nothing(journal);
      return isOverdue(event) ? overdue(journal, step) : settle(journal, step, event.outcome);
    case 'failure':
      return end(journal, 'failed', event.message, event.reason);
    case 'deadline':
      if (journal.state !== 'waiting' || !step) return nothing(journal);
      return overdue(journal, step);
    case 'abort':
      if (journal.state === 'held') return end(journal, 'aborted', null);
      if (journal.state === 'waiting' && step?.abortable) return end(journal, 'aborted', null);
      return { journal: { ...journal, abort_requested: true }, effect: { do: 'nothing' } };
  }
}

function isOverdue({ outcome, late = false }: StepEvent & { on: 'outcome' }): boolean {
  return late && outcome.is === 'wait' && outcome.timeout === undefined;
}

function overdue(journal: Journal, step: Step): Advance {
  return end(journal, 'failed', `Timeout reached while waiting in step ${label(step)}.`, 'timeout');
}

function nothing(journal: Journal): Advance {
  return { journal, effect: { do: 'nothing' } };
}

/** Enters the next step, or ends the operation. */
function proceed(journal: Journal): Advance {
  if (journal.abort_requested) return end(journal, 'aborted', null);
  const step = journal.steps[journal.cursor];
  return step ? enter(journal, step, 'start') : end(journal, 'succeeded', null);
}

function enter(journal: Journal, step: Step, wake: Wake): Advance {
  const running: Step = { ...step, state: 'running', attempt: step.attempt + 1 };
  return {
    journal: { ...replaceStep(journal, running), state: 'running' },
    effect: { do: 'run', position: journal.cursor, wake },
  };
}

function settle(journal: Journal, step: Step, outcome: StepOutcome): Advance {
  switch (outcome.is) {
    case 'done': {
      const done = replaceStep(journal, { ...step, state: 'done' });
      const inserted = (outcome.insert ?? []).map(newStep);
      const passed = done.steps.slice(0, journal.cursor + 1);
      const left = done.steps.slice(journal.cursor + 1);
      const { merge } = outcome;
      const coming = merge ? orderSteps([...left, ...merge.map(newStep)]) : left;
      const steps = [...passed, ...inserted, ...coming];
      return proceed({ ...done, steps, cursor: journal.cursor + 1 });
    }
    case 'wait': {
      const checkpoint = outcome.checkpoint === undefined ? step.checkpoint : outcome.checkpoint;
      const waiting = replaceStep(journal, { ...step, state: 'waiting', checkpoint });
      if (journal.abort_requested && step.abortable) return end(waiting, 'aborted', null);
      const { pollAfter = null, timeout = null } = outcome;
      return {
        journal: { ...waiting, state: 'waiting' },
        effect: { do: 'wait', for: outcome.for, pollAfter, timeout },
      };
    }
    case 'hold':
      return {
        journal: { ...replaceStep(journal, { ...step, state: 'waiting' }), state: 'held' },
        effect: { do: 'hold' },
      };
  }
}

function end(
  journal: Journal,
  is: Result['is'],
  message: string | null,
  reason: FailureReason | null = null,
): Advance {
  const text = message === null ? null : keptText(message);
  const result: Result = { is, message: text, ...(reason === null ? {} : { reason }) };
  const step = journal.steps[journal.cursor];
  const failed = is !== 'succeeded' && step ? replaceStep(journal, { ...step, state: 'failed' }) : journal;
  return {
    journal: { ...failed, state: is === 'succeeded' ? 'finished' : 'ending', result },
    effect: { do: 'end', result },
  };
}

function replaceStep(journal: Journal, step: Step): Journal {
  return { ...journal, steps: journal.steps.with(journal.cursor, step) };
}

function label(step: Step): string {
  return `${step.interface}.${step.name}`;
}
