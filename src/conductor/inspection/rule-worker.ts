// The worker thread of rule-thread.ts: an operator's regular expression may never end.
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../domain/errors.js';
import { applyRules } from '../../domain/inspection-rule/engine.js';
import type { RuleAnswer, RuleMessage, RuleWork } from './rule-thread.js';

const port = parentPort!;
const { rules, inspected, masking } = workerData as RuleWork;
const say = (message: RuleMessage) => port.postMessage(message);
const calls = new Map<number, PromiseWithResolvers<void>>();
let next = 1;

port.on('message', ({ id, failure }: RuleAnswer) => {
  const call = calls.get(id);
  calls.delete(id);
  if (failure === null) call?.resolve();
  else call?.reject(new Error(failure));
});

try {
  const after = await applyRules(rules, inspected, masking, {
    log: (level, text) => say({ is: 'log', level, text }),
    call: (url, options) => {
      const id = next++;
      const call = Promise.withResolvers<void>();
      calls.set(id, call);
      say({ is: 'call', id, url, options });
      return call.promise;
    },
  });
  say({ is: 'done', after });
} catch (error) {
  say({ is: 'failed', message: messageOf(error) });
}
port.close();
