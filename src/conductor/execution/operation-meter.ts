import type { Journal } from '../../domain/step/advance.js';
import type { Step } from '../../domain/step/step.js';
import type { JournaledOperation } from '../../persistence/operation/operation.repository.js';
import { count, observe } from '../../platform/meter/meter.js';
import { WORKFLOWS } from '../workflow/workflows.js';

/** Most start times that are remembered: bounds the memory if operations never end. */
const MOST = 100_000;

const OUTCOMES = ['succeeded', 'failed', 'aborted'] as const;

/** Exports every kind of operation as 0 at the start: a rate sees a first failure only after a 0. */
export function startOperationMetrics(): void {
  for (const kind of Object.keys(WORKFLOWS)) {
    for (const outcome of OUTCOMES) count('operations_total', { kind, outcome }, 0);
  }
}

type Of = Pick<JournaledOperation, 'uuid' | 'kind'>;

/** Measures operations and their steps from the journals that are committed. */
export class OperationMeter {
  /** Start time by performance.now(); the key is an operation, or an operation and a step's position. */
  readonly #since = new Map<string, number>();

  /** @param before null: the operation is new */
  committed(operation: Of, before: Journal | null, after: Journal): void {
    const { uuid, kind } = operation;
    if (before === null) this.#begin(uuid);
    if (before?.state === 'finished') return;
    if (before && !before.result) countFailure(kind, after);
    for (const [position, step] of after.steps.entries())
      this.#step(operation, position, before?.steps[position], step);
    if (after.state !== 'finished') return;
    const outcome = after.result?.is ?? 'succeeded';
    count('operations_total', { kind, outcome });
    const seconds = this.#end(uuid);
    if (seconds !== null) observe('operation_duration_seconds', { kind, outcome }, seconds);
    for (const position of after.steps.keys()) this.#since.delete(`${uuid} ${position}`);
  }

  #step({ uuid, kind }: Of, position: number, before: Step | undefined, after: Step): void {
    const key = `${uuid} ${position}`;
    if (after.state === 'running' && after.attempt === 1 && before?.state !== 'running') this.#begin(key);
    const ended = after.state === 'done' || after.state === 'failed';
    // An inserted step shifts only steps that have not begun.
    if (!ended || before?.state === after.state) return;
    const stage = `${after.interface}.${after.name}`;
    count('operation_stages_total', { kind, stage, outcome: after.state });
    const seconds = this.#end(key);
    if (seconds !== null)
      observe('operation_stage_duration_seconds', { kind, stage, outcome: after.state }, seconds);
  }

  #begin(key: string): void {
    if (this.#since.size < MOST && !this.#since.has(key)) this.#since.set(key, performance.now());
  }

  #end(key: string): number | null {
    const since = this.#since.get(key);
    this.#since.delete(key);
    return since === undefined ? null : (performance.now() - since) / 1000;
  }
}

/** A failure is decided before its clean-up, in one commit of the journal. */
function countFailure(kind: string, { result, steps }: Journal): void {
  if (result?.is !== 'failed') return;
  const failed = steps.find((step) => step.state === 'failed');
  const stage = failed ? `${failed.interface}.${failed.name}` : 'none';
  count('operation_failures_total', { kind, stage, reason: result.reason ?? 'internal' });
}
