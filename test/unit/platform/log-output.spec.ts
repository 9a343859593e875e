import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LogOutput, type Sink } from '../../../src/platform/log-output.js';
import { throwOnce } from '../../support/faults/throw-once.js';

let written: string;
let held: ((error: Error | null) => void)[];
let mode: 'take' | 'hold' | 'full';
const sink: Sink = (bytes, done) => {
  if (mode === 'full') return done(Object.assign(new Error('no space'), { code: 'ENOSPC' }));
  if (mode === 'hold') {
    held.push(done);
    return;
  }
  written += String(bytes);
  done(null);
};
beforeEach(() => {
  [written, held, mode] = ['', [], 'take'];
  vi.useFakeTimers({ toFake: ['setTimeout'] });
});
afterEach(() => vi.useRealTimers());

it('passes lines on in their order, several at once', async () => {
  const output = new LogOutput(sink);
  output.write('a\n');
  output.write('b\n');
  await turn();
  expect(written).toBe('a\nb\n');
});

it('a reader that does not read holds up nothing: lines beyond the limit are dropped, counted and told later', async () => {
  mode = 'hold';
  const output = new LogOutput(sink, () => new Date(0));
  const line = `${'x'.repeat(99_999)}\n`;
  for (let i = 0; i < 30; i++) {
    output.write(line);
    await turn();
  }
  expect(output.dropped).toBe(20);
  mode = 'take';
  held[0]!(null);
  await turn();
  expect(written.match(/"dropped":20/g)).toHaveLength(1);
  output.write('after\n');
  await turn();
  expect(written.endsWith('after\n')).toBe(true);
  expect(written.match(/dropped"/g)).toHaveLength(1);
});

it('a full disk costs lines and nothing else; with room again it goes on at a new line', async () => {
  mode = 'full';
  const output = new LogOutput(sink, () => new Date(0));
  output.write('lost\n');
  await turn();
  output.write('kept\n');
  await turn();
  mode = 'take';
  await vi.advanceTimersByTimeAsync(1_001);
  expect(written).toMatch(/^\n\{"level":"warn".*"dropped":1.*\}\nkept\n$/);
});

it.each([
  ['the first pass', 1, 'take', 'a\nb\n'],
  ['the pass after a pause', 2, 'full', 'c\n'],
] as const)('%s that throws is not the last one', async (_name, call, first, expected) => {
  mode = first;
  const { thrown } = throwOnce('log', call);
  const output = new LogOutput(sink);
  output.write('a\n');
  output.write('b\n');
  await turn();
  await vi.advanceTimersByTimeAsync(1_001);
  expect(thrown()).toBe(true);
  mode = 'take';
  output.write('c\n');
  await turn();
  await vi.advanceTimersByTimeAsync(1_001);
  expect(written).toContain(expected);
});
