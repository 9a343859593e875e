import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { applyRulesInThread } from '../../../../src/conductor/inspection/rule-thread.js';
import type { RuleAction } from '../../../../src/domain/inspection-rule/rule.js';
import { WorkerThread } from '../../../../src/platform/worker-thread.js';
import { throwOnce } from '../../../support/faults/throw-once.js';

const LONG = 60_000;
const posts = vi.spyOn(WorkerThread.prototype, 'post');
const ends = vi.spyOn(WorkerThread.prototype, 'end');

describe('applyRulesInThread', () => {
  const told: string[] = [];
  let call: () => Promise<void>;
  const apply = (
    actions: RuleAction[],
    { limit = LONG, value = 'x', signal = AbortSignal.timeout(LONG) } = {},
  ) => {
    const conditions = [{ op: 'matches', args: { value, regex: '^(x+)+$' } }];
    return applyRulesInThread(
      {
        rules: [{ priority: 0, sensitive: false, conditions, actions }],
        inspected: { node: { name: null }, ports: [], traits: new Set(), inventory: {}, plugin_data: {} },
        masking: 'always',
      },
      { log: (level, text) => void told.push(`${level}: ${text}`), call: () => call() },
      limit,
      signal,
    );
  };
  beforeEach(() => {
    told.length = 0;
    posts.mockClear();
    ends.mockClear();
  });
  afterEach(() => expect(ends).toHaveBeenCalled());

  const named = { op: 'set-attribute', args: { path: 'name', value: 'n' } };
  const calls = { op: 'api-call', args: { url: 'http://127.0.0.1/' } };

  it('gives the changed data, after logs and calls in their order', async () => {
    call = async () => void told.push('call');
    const log = { op: 'log', args: { msg: 'hello' } };
    expect((await apply([log, calls, named])).node['name']).toBe('n');
    expect(told).toEqual(['info: hello', 'call']);
  });

  it('does not count the time of a call', async () => {
    call = () => pause(6_000);
    expect((await apply([calls, named], { limit: 5_000 })).node['name']).toBe('n');
  });

  it('a failing call fails the rules', async () => {
    call = () => Promise.reject(new Error('connection refused'));
    await expect(apply([calls])).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('connection refused'),
    });
  });

  it.each([
    ['', ''],
    [', although its timer throws', 'inspection rules: clock'],
  ])('an expression without end is ended by the limit%s', async (_, owner) => {
    const { thrown } = throwOnce(owner);
    const endless = apply([named], { value: `${'x'.repeat(40)}y`, limit: 3_000 });
    await expect(endless).rejects.toThrow('Inspection rules took longer than 3 s');
    expect(thrown()).toBe(owner !== '');
  });

  it('the death of its thread fails the rules', async () => {
    call = async () => {
      (posts.mock.contexts[0] as WorkerThread<unknown, unknown>).post(null);
      await pause(LONG, undefined, { ref: false });
    };
    await expect(apply([calls])).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('The thread that applies inspection rules ended'),
    });
  });

  it.each([
    ['', ''],
    [', although its handler throws', 'inspection rules: stop'],
  ])('a signal ends the thread with its reason%s', async (_, owner) => {
    const { thrown } = throwOnce(owner);
    const abort = new AbortController();
    call = () => {
      abort.abort(new Error('enough'));
      return pause(LONG, undefined, { ref: false });
    };
    await expect(apply([calls], { signal: abort.signal })).rejects.toThrow('enough');
    expect(thrown()).toBe(owner !== '');
  });
});
