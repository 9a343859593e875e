// The worker thread of rule-thread.ts.
import { messageOf } from '../../domain/errors.js';
import { applyRules } from '../../domain/inspection-rule/engine.js';
import { workerPort } from '../../platform/worker-port.js';
import type { RuleMessage, RuleWork, ToRules } from './rule-thread.js';

const { hear, post } = workerPort<ToRules, RuleMessage>();
const calls = new Map<number, PromiseWithResolvers<void>>();
let next = 1;

hear((message) => {
  if (message.is === 'work') return apply(message.work);
  const call = calls.get(message.id);
  calls.delete(message.id);
  if (message.failure === null) call?.resolve();
  else call?.reject(new Error(message.failure));
  return undefined;
});

async function apply({ rules, inspected, masking }: RuleWork): Promise<void> {
  try {
    const after = await applyRules(rules, inspected, masking, {
      log: (level, text) => post({ is: 'log', level, text }),
      call: (url, options) => {
        const id = next++;
        const call = Promise.withResolvers<void>();
        calls.set(id, call);
        post({ is: 'call', id, url, options });
        return call.promise;
      },
    });
    post({ is: 'done', after });
  } catch (error) {
    post({ is: 'failed', message: messageOf(error) });
  }
}
