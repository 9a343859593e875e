// Decides which steps of a pipeline run, and why: compares the ledger with the present inputs of each step.

import { UnsupportedError } from '../../src/domain/errors.js';
import type { StepSpec } from './graph.js';
import { nearest } from './nearest.js';
import { STEP_NAMES, type StepName } from './step-name.js';

/** Inputs and outputs of a step's last run. */
export interface StepRecord {
  /** Input → its hash; see `inputsOf`. */
  inputs: Readonly<Record<string, string>>;
  outputs: Readonly<Record<string, { sha256: string; size: number }>>;
  /** ISO 8601. */
  finishedAt: string;
  /** Milliseconds. */
  elapsed: number;
}

/** Undefined: the step has never run. */
export type StepRecords = Partial<Record<StepName, StepRecord>>;

export interface Selection {
  /** Runs this step alone, even if it is up to date. */
  step?: string;
  /** Runs this step and all after it. */
  from?: string;
}

export interface PlannedStep extends StepSpec {
  action: 'run' | 'skip' | 'left-out';
  /** Reason why it runs or is skipped. */
  why: string;
}

/** External inputs: sources and directories → their present hash; undefined: unknown. */
export type OutsideHashes = Readonly<Record<string, string | undefined>>;

/** All inputs of a step; undefined for those not made yet. */
export function inputsOf(
  step: StepSpec,
  records: StepRecords,
  outside: OutsideHashes,
): Record<string, string | undefined> {
  const inputs: Record<string, string | undefined> = { ...step.settings };
  for (const { step: maker, name } of step.artefacts) {
    const outputs = records[maker]?.outputs;
    if (!name.endsWith('.*')) inputs[name] = outputs?.[name]?.sha256;
    else {
      const family = Object.entries(outputs ?? {}).filter(([file]) => isOfFamily(file, name));
      inputs[name] =
        family.length === 0 ? undefined : family.map(([file, { sha256 }]) => `${file} ${sha256}`).join(' ');
    }
  }
  for (const place of [...step.sources, ...step.trees]) inputs[place] = outside[place];
  return inputs;
}

/** Whether a file's name matches `NAME.*`. */
export function isOfFamily(file: string, family: string): boolean {
  return file.startsWith(family.slice(0, -1));
}

/**
 * Decides for each step whether it runs. A step that depends on a running one counts as running; it is skipped in its
 * turn if its inputs turn out unchanged.
 * @throws UnsupportedError for an unknown step, or one that lacks the output of an earlier one
 */
export function planSteps(
  steps: readonly StepSpec[],
  records: StepRecords,
  outside: OutsideHashes,
  selection: Selection = {},
): PlannedStep[] {
  const first = selected(selection);
  const planned: PlannedStep[] = [];
  const running = new Set<StepName>();
  for (const step of steps) {
    const decided = decide(step, records, outside, running, selection, first);
    if (decided.action === 'run') {
      refuseWithoutInputs(step, records, running);
      running.add(step.name);
    }
    planned.push({ ...step, ...decided });
  }
  return planned;
}

/** Why a step must run, by its own inputs; undefined: they are unchanged. */
export function changeOf(
  step: StepSpec,
  records: StepRecords,
  outside: OutsideHashes,
  /** Steps whose files will change anyway. */
  running: ReadonlySet<StepName> = new Set(),
): string | undefined {
  const record = records[step.name];
  if (!record) return 'not done yet';
  const inputs = inputsOf(step, records, outside);
  const names = new Set([...Object.keys(inputs), ...Object.keys(record.inputs)]);
  for (const { step: maker, name } of step.artefacts) if (running.has(maker)) names.delete(name);
  // A source that is unreachable now counts as unchanged.
  const changed = [...names].filter(
    (name) =>
      inputs[name] !== record.inputs[name] && !(step.sources.includes(name) && inputs[name] === undefined),
  );
  if (changed.length === 0) return undefined;
  const [one, ...rest] = changed;
  return `${one}${rest.length === 0 ? '' : ` and ${rest.length} more`} changed`;
}

function selected({ step, from }: Selection): StepName | undefined {
  const name = step ?? from;
  if (step !== undefined && from !== undefined)
    throw new UnsupportedError('--step and --from exclude each other');
  if (name === undefined || STEP_NAMES.includes(name as StepName)) return name as StepName | undefined;
  const near = nearest(name, STEP_NAMES);
  throw new UnsupportedError(
    `there is no step ${name}${near ? `; the nearest is ${near}` : ''}. The steps are ${STEP_NAMES.join(', ')}`,
  );
}

type Decision = Pick<PlannedStep, 'action' | 'why'>;

function decide(
  step: StepSpec,
  records: StepRecords,
  outside: OutsideHashes,
  running: ReadonlySet<StepName>,
  selection: Selection,
  first: StepName | undefined,
): Decision {
  if (first !== undefined) {
    const behind = STEP_NAMES.indexOf(step.name) - STEP_NAMES.indexOf(first);
    if (behind === 0) return { action: 'run', why: 'asked for' };
    if (selection.step !== undefined || behind < 0)
      return { action: 'left-out', why: `not asked for (${first} is)` };
    return { action: 'run', why: `after ${first}` };
  }
  const change = changeOf(step, records, outside, running);
  const makers = step.artefacts.map((artefact) => artefact.step).filter((maker) => running.has(maker));
  if (change !== undefined) return { action: 'run', why: change };
  if (makers.length > 0) return { action: 'run', why: `after ${[...new Set(makers)].join(', ')}` };
  return { action: 'skip', why: `unchanged since ${records[step.name]!.finishedAt}` };
}

function refuseWithoutInputs(step: StepSpec, records: StepRecords, running: ReadonlySet<StepName>): void {
  for (const { step: maker, name } of step.artefacts) {
    if (running.has(maker) || records[maker]) continue;
    throw new UnsupportedError(
      `${step.name} needs ${name} of ${maker}, which has not been done; run from ${maker} on`,
    );
  }
}
