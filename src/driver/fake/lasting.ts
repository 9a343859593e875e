import { isObject } from '../../domain/json.js';
import type { StepOutcome } from '../../domain/step/step.js';
import type { StepContext } from '../contract/step.js';
import type { FakeKind, FakeMachine } from './machine.js';

export interface LastingWork {
  /** The interface whose configured delay is the default; absent: no delay by default. */
  kind?: FakeKind;
  /** The first part of the effect; may be repeated after a crash. */
  acts?: () => Promise<void>;
  /** Saves the result at the end; may be repeated after a crash. */
  leaves?: () => Promise<void>;
}

/**
 * An effect that takes `fake_delay_<step>`. It begins once per operation: every later entry, also after a killed
 * conductor, finds it in progress. An effect without delay runs in one go, and the node never shows a wait state
 * (Ironic: drivers/modules/fake.py, whose steps never wait).
 */
export async function lasting(
  machine: FakeMachine,
  context: StepContext,
  work: LastingWork = {},
): Promise<StepOutcome> {
  const effect = context.step.name;
  const operation = context.operation.uuid;
  const delay = machine.delayOf(context, effect, work.kind ?? null);
  const finish = async (): Promise<StepOutcome> => {
    machine.failIfAsked(context, effect);
    await work.leaves?.();
    await machine.end(context, operation, effect);
    return { is: 'done' };
  };
  // A step entered for the first time has begun nothing, even if an earlier step has the same name.
  const begun = context.wake === 'start' ? undefined : await machine.begunAt(context, operation, effect);
  if (begun === undefined) {
    await work.acts?.();
    const now = await machine.begin(context, operation, effect, delay > 0);
    if (delay === 0) return finish();
    return { is: 'wait', for: 'poll', pollAfter: delay, checkpoint: { until: now + delay } };
  }
  const until = untilOf(context) ?? begun + delay;
  const left = until - Date.now();
  return left > 0 ? { is: 'wait', for: 'poll', pollAfter: left, checkpoint: { until } } : finish();
}

function untilOf({ saved }: StepContext): number | undefined {
  if (!isObject(saved)) return undefined;
  return typeof saved['until'] === 'number' ? saved['until'] : undefined;
}
