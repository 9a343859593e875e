import { InvalidError, messageOf } from '../../domain/errors.js';
import type { Inspected, RuleEffects, RuleLogLevel } from '../../domain/inspection-rule/action.js';
import type { RunnableRule } from '../../domain/inspection-rule/engine.js';
import { contained } from '../../platform/boundary.js';
import { WorkerThread } from '../../platform/worker-thread.js';

export interface RuleWork {
  rules: readonly RunnableRule[];
  inspected: Inspected;
  masking: 'always' | 'never' | 'sensitive';
}
type CallOptions = Parameters<RuleEffects['call']>[1];
export type RuleMessage =
  | { is: 'log'; level: RuleLogLevel; text: string }
  | { is: 'call'; id: number; url: string; options: CallOptions }
  | { is: 'done'; after: Inspected }
  | { is: 'failed'; message: string };
export type ToRules = { is: 'work'; work: RuleWork } | { is: 'called'; id: number; failure: string | null };

/**
 * Applies rules in a worker thread, off the event loop: an operator's regular expression may never end.
 * @param limit ms of computing; time that a rule waits for a call is not counted
 * @throws InvalidError with a rule's failure, or when the limit is exceeded; FerricError internal if the thread ended
 * without a result; the signal's reason
 */
export async function applyRulesInThread(
  work: RuleWork,
  effects: RuleEffects,
  limit: number,
  signal: AbortSignal,
): Promise<Inspected> {
  signal.throwIfAborted();
  const result = Promise.withResolvers<Inspected>();
  const clock = new ComputingClock(limit, () => result.reject(tooLong(limit)));
  const thread = new WorkerThread<ToRules, RuleMessage>(
    new URL('./rule-worker.js', import.meta.url),
    'inspection rules: thread',
    'applies inspection rules',
    {
      message: (message) => hear(message, effects, clock, result, (reply) => thread.post(reply)),
      death: result.reject,
    },
  );
  const leave = () => result.reject(signal.reason);
  const stop = contained('inspection rules: stop', leave, leave);
  signal.addEventListener('abort', stop);
  try {
    thread.post({ is: 'work', work });
    return await result.promise;
  } finally {
    clock.stop();
    signal.removeEventListener('abort', stop);
    await thread.end();
  }
}

function hear(
  message: RuleMessage,
  effects: RuleEffects,
  clock: ComputingClock,
  result: PromiseWithResolvers<Inspected>,
  post: (reply: ToRules) => void,
): void {
  switch (message.is) {
    case 'log':
      effects.log(message.level, message.text);
      break;
    case 'call': {
      clock.pause();
      const answer = (failure: string | null) => {
        clock.resume();
        post({ is: 'called', id: message.id, failure });
      };
      effects.call(message.url, message.options).then(
        () => answer(null),
        (error: unknown) => answer(messageOf(error)),
      );
      break;
    }
    case 'done':
      result.resolve(message.after);
      break;
    case 'failed':
      result.reject(new InvalidError(message.message));
  }
}

function tooLong(limit: number): InvalidError {
  return new InvalidError(
    `Inspection rules took longer than ${limit / 1000} s (inspector.rule_timeout): one of their regular ` +
      'expressions may have no end for what was found.',
  );
}

/** A timeout that stands still while calls are under way, and begins anew after them. */
class ComputingClock {
  #timer: NodeJS.Timeout | undefined;
  #calls = 0;
  #stopped = false;

  constructor(
    private readonly limit: number,
    private readonly over: () => void,
  ) {
    this.#start();
  }

  pause(): void {
    this.#calls += 1;
    clearTimeout(this.#timer);
  }

  resume(): void {
    this.#calls -= 1;
    if (this.#calls === 0 && !this.#stopped) this.#start();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #start(): void {
    this.#timer = setTimeout(contained('inspection rules: clock', this.over, this.over), this.limit);
  }
}
