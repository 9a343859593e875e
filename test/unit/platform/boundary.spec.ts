import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, it, vi } from 'vitest';
import { contained, detached, faultCounts, reportFaults } from '../../../src/platform/boundary.js';

let lines: string[] = [];
const write = (words: object, text?: string) => lines.push(`${text} ${JSON.stringify(words)}`);

beforeEach(() => {
  lines = [];
  reportFaults({ info: write, warn: write, error: write } as never);
});

it('keeps a throw and a rejection of a handler from whoever called it, counts and tells both', async () => {
  const before = faultCounts()['one'] ?? 0;
  const emitter = new EventEmitter();
  const heard = vi.fn();
  emitter.on(
    'message',
    contained('one', () => {
      throw new Error('thrown');
    }),
  );
  emitter.on(
    'message',
    contained('two', () => Promise.reject(new Error('rejected'))),
  );
  emitter.on('message', heard);
  emitter.emit('message', 1);
  emitter.emit('message', 2);
  await sleep(1);
  expect(heard).toHaveBeenCalledTimes(2);
  expect(faultCounts()).toMatchObject({ one: before + 2, two: 2 });
  expect(lines.filter((line) => line.includes('thrown'))).toHaveLength(1);
  expect(lines.filter((line) => line.includes('rejected'))).toHaveLength(1);
});

it('lets the owner act on a fault with what the handler was given, and contains that, too', async () => {
  const destroyed: unknown[] = [];
  const handler = contained(
    'three',
    (_socket: string) => {
      throw new Error('first');
    },
    (error, [socket]) => {
      destroyed.push((error as Error).message, socket);
      throw new Error('second');
    },
  );
  expect(() => handler('a socket')).not.toThrow();
  expect(destroyed).toEqual(['first', 'a socket']);
  expect(faultCounts()['three']).toBe(2);
});

it('passes what works on as it is, and tells the owner of a promise that nobody waits for', async () => {
  const seen: unknown[] = [];
  contained('four', (...args: number[]) => seen.push(...args))(1, 2);
  detached('four', Promise.reject(new Error('lost')), (error) => seen.push((error as Error).message));
  await sleep(1);
  expect(seen).toEqual([1, 2, 'lost']);
});
