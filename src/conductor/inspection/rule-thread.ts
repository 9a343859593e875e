import { FerricError, InvalidError, messageOf } from '../../domain/errors.js';
import type { Inspected, RuleDoors, RuleLogLevel } from '../../domain/inspection-rule/action.js';
import type { RunnableRule } from '../../domain/inspection-rule/engine.js';
import { contained } from '../../platform/boundary.js';
import { startWorker } from '../../platform/start-worker.js';

export interface RuleWork {
  rules: readonly RunnableRule[];
  inspected: Inspected;
  masking: 'always' | 'never' | 'sensitive';
}
type CallOptions = Parameters<RuleDoors['call']>[1];
export type RuleMessage =
  | { is: 'log'; level: RuleLogLevel; text: string }
  | { is: 'call'; id: number; url: string; options: CallOptions }
  | { is: 'done'; after: Inspected }
  | { is: 'failed'; message: string };
export interface RuleAnswer {
  id: number;
  failure: string | null;
}

/**
 * Applies rules in a worker thread, off the event loop.
 * @param limit ms of computing; time that a rule waits for a call is not counted
 * @throws InvalidError with a rule's failure, or when the limit is exceeded; the signal's reason
 */
export async function applyRulesInThread(
  work: RuleWork,
  doors: RuleDoors,
  limit: number,
  signal: AbortSignal,
): Promise<Inspected> {
  signal.throwIfAborted();
  const worker = startWorker(new URL('./rule-worker.js', import.meta.url), work);
  const result = Promise.withResolvers<Inspected>();
  const tooLong = contained('inspection rules: clock', () =>
    result.reject(
      new InvalidError(
        `Inspection rules took longer than ${limit / 1000} s (inspector.rule_timeout): one of their regular ` +
          'expressions may have no end for what was found.',
      ),
    ),
  );
  let clock = setTimeout(tooLong, limit);
  let outside = 0;
  const hear = (message: RuleMessage) => {
    switch (message.is) {
      case 'log':
        doors.log(message.level, message.text);
        return;
      case 'call': {
        clearTimeout(clock);
        outside += 1;
        const answer = (failure: string | null) => {
          outside -= 1;
          if (outside === 0) clock = setTimeout(tooLong, limit);
          worker.postMessage({ id: message.id, failure } satisfies RuleAnswer);
        };
        doors.call(message.url, message.options).then(
          () => answer(null),
          (error: unknown) => answer(messageOf(error)),
        );
        return;
      }
      case 'done':
        return result.resolve(message.after);
      case 'failed':
        return result.reject(new InvalidError(message.message));
    }
  };
  const failed = (error: unknown) =>
    result.reject(new FerricError('internal', `The thread of rules failed: ${error}`));
  worker.on('message', contained('inspection rules: thread', hear, failed));
  worker.on('error', contained('inspection rules: thread', failed));
  const ended = () =>
    result.reject(new FerricError('internal', 'The thread of rules ended without a result.'));
  worker.on('exit', contained('inspection rules: thread', ended));
  const stop = contained('inspection rules: stop', () => result.reject(signal.reason));
  signal.addEventListener('abort', stop);
  try {
    return await result.promise;
  } finally {
    clearTimeout(clock);
    signal.removeEventListener('abort', stop);
    await worker.terminate();
  }
}
