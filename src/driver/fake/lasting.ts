import type { StepOutcome } from '../../domain/step/step.js';
import type { StepContext } from '../contract/step.js';
import type { FakeKind, FakeMachine } from './machine.js';

export interface LastingWork {
  /** The interface whose configured delay counts where the node names none; without: none. */
  kind?: FakeKind;
  /** What comes before it; may be repeated after a crash. */
  acts?: () => Promise<void>;
  /** What it leaves behind when it is over; may be repeated after a crash. */
  leaves?: () => Promise<void>;
}

/**
 * An effect that takes `fake_delay_<step>`. It is begun once for each operation: whoever enters again, a conductor
 * that was killed included, finds it under way. One that takes no time is done in one go, and the node never shows a
 * wait state (Ironic: drivers/modules/fake.py, whose steps wait for nobody).
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
  // A step that is entered for the first time has begun nothing, whatever an earlier one of its name did.
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
  if (typeof saved !== 'object' || saved === null || Array.isArray(saved)) return undefined;
  return typeof saved['until'] === 'number' ? saved['until'] : undefined;
}
