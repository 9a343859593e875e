import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { meterRequests } from '../../../../src/api/request-meter.js';
import { readNow } from '../../../../src/platform/meter/meter.js';
import { throwOnce } from '../../../support/faults/throw-once.js';

it('an answer that ended is not under way any more, although the handler of its end throws', async () => {
  const { thrown } = throwOnce('API: an answer that ended');
  const hooks = new Map<string, (request: unknown, reply: { raw: EventEmitter }) => Promise<void>>();
  const fastify = { addHook: (name: string, hook: never) => hooks.set(name, hook) };
  meterRequests(fastify as never, 'agent');
  const now = () =>
    readNow('http_in_flight').find(({ labels }) => 'listener' in labels && labels['listener'] === 'agent');
  const before = now()!.value;
  const replies = [{ raw: new EventEmitter() }, { raw: new EventEmitter() }];
  for (const reply of replies) await hooks.get('onRequest')!({}, reply);
  expect(now()!.value).toBe(before + 2);
  for (const { raw } of replies) raw.emit('close');
  expect(thrown()).toBe(true);
  expect(now()!.value).toBe(before);
  await hooks.get('onClose')!({}, replies[0]!);
});
