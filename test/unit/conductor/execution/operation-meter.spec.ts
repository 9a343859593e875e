import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { OperationMeter } from '../../../../src/conductor/execution/operation-meter.js';
import { advance, type Journal, newJournal, type StepEvent } from '../../../../src/domain/step/advance.js';
import { newStep, type PlannedStep } from '../../../../src/domain/step/step.js';
import { measureWith } from '../../../../src/platform/meter/meter.js';
import { Series } from '../../../../src/platform/meter/series.js';

let series: Series;
beforeEach(() => {
  series = new Series();
  measureWith(series);
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  measureWith(null);
  vi.useRealTimers();
});

const planned = (name: string): PlannedStep => ({
  ...{
    interface: 'deploy',
    name,
    priority: 10,
    args: {},
    abortable: true,
    rerunnable: true,
    visible: true,
    agent: false,
  },
});
const OF = { uuid: 'u', kind: 'deploy' as const };
/** Every counter and the sums of every histogram, by labels. */
function shown(): Record<string, number> {
  const rows = [
    ...[...series.counters].flatMap(([name, all]) =>
      [...all.values()].map((one) => [`${name} ${one.labels.join(' ')}`, one.value] as const),
    ),
    ...[...series.histograms].flatMap(([name, all]) =>
      [...all.values()].map((one) => [`${name} ${one.labels.join(' ')}`, one.sum] as const),
    ),
  ];
  return Object.fromEntries(rows.filter(([name]) => name.startsWith('operation')));
}

/** Commits what the events come to, a second after one another. */
function play(meter: OperationMeter, journal: Journal, events: readonly StepEvent[]): Journal {
  let at = journal;
  for (const event of events) {
    vi.advanceTimersByTime(1_000);
    const { journal: after } = advance(at, event);
    meter.committed(OF, at, after);
    at = after;
  }
  return at;
}

it('an operation and its steps are counted once, with their seconds, by how they ended', () => {
  const meter = new OperationMeter();
  const journal = newJournal([newStep(planned('boot')), newStep(planned('write'))]);
  meter.committed(OF, null, journal);
  const at = play(meter, journal, [
    { on: 'begin' },
    { on: 'outcome', outcome: { is: 'wait', for: 'heartbeat' } },
    { on: 'wake', why: 'heartbeat' },
    { on: 'outcome', outcome: { is: 'done' } },
    { on: 'failure', message: 'the disk is gone', reason: 'agent-failed' },
  ]);
  expect(at.state).toBe('ending');
  vi.advanceTimersByTime(1_000);
  meter.committed(OF, at, { ...at, state: 'finished' });
  // Whoever commits the end once more counts nothing more.
  meter.committed(OF, { ...at, state: 'finished' }, { ...at, state: 'finished' });
  expect(shown()).toEqual({
    'operations_total deploy failed': 1,
    'operation_failures_total deploy deploy.write agent-failed': 1,
    'operation_duration_seconds deploy failed': 6,
    'operation_stages_total deploy deploy.boot done': 1,
    'operation_stage_duration_seconds deploy deploy.boot done': 3,
    'operation_stages_total deploy deploy.write failed': 1,
    'operation_stage_duration_seconds deploy deploy.write failed': 1,
  });
});

it('what began in a process before is counted, without seconds that nobody knows', () => {
  const meter = new OperationMeter();
  const running = advance(newJournal([newStep(planned('boot'))]), { on: 'begin' }).journal;
  const again = advance(running, { on: 'restart' }).journal;
  meter.committed(OF, running, again);
  play(meter, again, [{ on: 'outcome', outcome: { is: 'done' } }]);
  expect(shown()).toEqual({
    'operations_total deploy succeeded': 1,
    'operation_stages_total deploy deploy.boot done': 1,
  });
});
