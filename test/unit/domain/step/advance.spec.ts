import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Advance,
  advance,
  type Journal,
  newJournal,
  type StepEvent,
} from '../../../../src/domain/step/advance.js';
import { newStep, type PlannedStep, type StepOutcome } from '../../../../src/domain/step/step.js';

const planned = (name: string, extra: Partial<PlannedStep> = {}): PlannedStep => ({
  interface: 'deploy',
  name,
  priority: 1,
  args: {},
  abortable: true,
  rerunnable: true,
  visible: true,
  agent: false,
  ...extra,
});
const journal = (...steps: PlannedStep[]) => newJournal(steps.map(newStep));
const play = (start: Journal, ...events: StepEvent[]): Advance =>
  events.reduce<Advance>((at, event) => advance(at.journal, event), {
    journal: start,
    effect: { do: 'nothing' },
  });
const done: StepEvent = { on: 'outcome', outcome: { is: 'done' } };
const wait: StepEvent = { on: 'outcome', outcome: { is: 'wait', for: 'heartbeat', checkpoint: { at: 1 } } };

describe('advance', () => {
  it('runs steps in order to success', () => {
    const two = journal(planned('a'), planned('b'));
    expect(play(two, { on: 'begin' }).effect).toEqual({ do: 'run', position: 0, wake: 'start' });
    expect(play(two, { on: 'begin' }, done).effect).toEqual({ do: 'run', position: 1, wake: 'start' });
    const ended = play(two, { on: 'begin' }, done, done);
    expect(ended.effect).toEqual({ do: 'end', result: { is: 'succeeded', message: null } });
    expect(ended.journal.state).toBe('finished');
  });

  it('enters a waiting step again with its checkpoint', () => {
    const woken = play(journal(planned('a')), { on: 'begin' }, wait, { on: 'wake', why: 'heartbeat' });
    expect(woken.effect).toEqual({ do: 'run', position: 0, wake: 'heartbeat' });
    expect(woken.journal.steps[0]).toMatchObject({ state: 'running', attempt: 2, checkpoint: { at: 1 } });
  });

  it('runs inserted steps right behind the one that reported them', () => {
    const reported: StepEvent = {
      on: 'outcome',
      outcome: { is: 'done', insert: [planned('x'), planned('y')] },
    };
    const at = play(journal(planned('collect'), planned('end')), { on: 'begin' }, reported);
    expect(at.journal.steps.map((step) => step.name)).toEqual(['collect', 'x', 'y', 'end']);
    expect(at.effect).toEqual({ do: 'run', position: 1, wake: 'start' });
  });

  it('merges steps among those that are to come, by their priorities', () => {
    const merge = [planned('first', { priority: 90 }), planned('between', { priority: 70 })];
    const at = play(
      journal(
        planned('boot', { priority: 100 }),
        planned('write', { priority: 80 }),
        planned('leave', { priority: 40 }),
      ),
      { on: 'begin' },
      { on: 'outcome', outcome: { is: 'done', merge } },
    );
    expect(at.journal.steps.map((step) => step.name)).toEqual(['boot', 'first', 'write', 'between', 'leave']);
    expect(at.effect).toEqual({ do: 'run', position: 1, wake: 'start' });
  });

  it('after a restart re-enters what may be re-entered and fails the rest', () => {
    const started = play(journal(planned('a')), { on: 'begin' }).journal;
    expect(advance(started, { on: 'restart' }).effect).toEqual({ do: 'run', position: 0, wake: 'restart' });
    const fragile = play(journal(planned('a', { rerunnable: false })), { on: 'begin' }).journal;
    expect(advance(fragile, { on: 'restart' }).effect).toMatchObject({ do: 'end', result: { is: 'failed' } });
    const waiting = play(journal(planned('a')), { on: 'begin' }, wait).journal;
    expect(advance(waiting, { on: 'restart' }).effect).toEqual({ do: 'nothing' });
  });

  it('finds the end of a failure again after a restart', () => {
    const failing = play(
      journal(planned('a')),
      { on: 'begin' },
      { on: 'failure', message: 'no disk', reason: 'agent-failed' },
    );
    expect(failing.journal.state).toBe('ending');
    expect(advance(failing.journal, { on: 'restart' }).effect).toEqual(failing.effect);
    expect(
      advance(failing.journal, { on: 'failure', message: 'another', reason: 'internal' }).effect,
    ).toEqual(failing.effect);
  });

  it('aborts a wait at once, and a step that refuses when it ends', () => {
    const waiting = play(journal(planned('a')), { on: 'begin' }, wait);
    expect(advance(waiting.journal, { on: 'abort' }).effect).toMatchObject({ result: { is: 'aborted' } });
    const hard = play(journal(planned('a', { abortable: false }), planned('b')), { on: 'begin' }, wait, {
      on: 'abort',
    });
    expect(hard.effect).toEqual({ do: 'nothing' });
    const ended = play(hard.journal, { on: 'wake', why: 'poll' }, done);
    expect(ended.effect).toMatchObject({ do: 'end', result: { is: 'aborted' } });
  });

  it('fails a wait at its deadline, and only a wait', () => {
    const started = play(journal(planned('a')), { on: 'begin' });
    expect(advance(started.journal, { on: 'deadline' }).effect).toEqual({ do: 'nothing' });
    const waiting = advance(started.journal, wait);
    expect(advance(waiting.journal, { on: 'deadline' }).effect).toMatchObject({
      result: { is: 'failed', message: 'Timeout reached while waiting in step deploy.a.', reason: 'timeout' },
    });
  });

  it('fails a step that was entered at its deadline, unless it is done or names a new time', () => {
    const entered = play(journal(planned('a')), { on: 'begin' }, wait, { on: 'wake', why: 'deadline' });
    expect(entered.effect).toEqual({ do: 'run', position: 0, wake: 'deadline' });
    const late = (outcome: StepOutcome) => advance(entered.journal, { on: 'outcome', outcome, late: true });
    expect(late({ is: 'wait', for: 'heartbeat' }).effect).toMatchObject({
      result: { is: 'failed', message: 'Timeout reached while waiting in step deploy.a.' },
    });
    expect(late({ is: 'wait', for: 'heartbeat', timeout: 'anew' }).effect).toMatchObject({ do: 'wait' });
    expect(late({ is: 'done' }).effect).toMatchObject({ result: { is: 'succeeded' } });
  });

  it('never runs a finished step again, whatever comes in whatever order', () => {
    const anyEvent = fc.constantFrom<StepEvent>(
      { on: 'begin' },
      { on: 'wake', why: 'poll' },
      { on: 'wake', why: 'heartbeat' },
      { on: 'restart' },
      { on: 'abort' },
      { on: 'deadline' },
      { on: 'failure', message: 'x', reason: 'internal' },
      done,
      wait,
      { on: 'outcome', outcome: { is: 'hold' } },
    );
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 30 }), (events) => {
        let at = journal(
          planned('a'),
          planned('b', { rerunnable: false }),
          planned('c', { abortable: false }),
        );
        const finished = new Set<number>();
        for (const event of events) {
          const { journal: after, effect } = advance(at, event);
          if (effect.do === 'run') expect(finished.has(effect.position)).toBe(false);
          after.steps.forEach((step, i) => {
            if (step.state === 'done') finished.add(i);
          });
          expect(after.cursor).toBeGreaterThanOrEqual(at.cursor);
          at = after;
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
