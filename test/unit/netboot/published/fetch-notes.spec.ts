import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { DatabaseAwayError } from '../../../../src/domain/errors.js';
import { FetchNotes } from '../../../../src/netboot/published/fetch-notes.js';
import { throwOnce } from '../../../support/faults/throw-once.js';
import { collectedLog } from '../../../support/log.js';

interface Fetched {
  service: string;
  name: string;
  bytes: number;
}

it('many small reads are one write; a write that fails is made again', async () => {
  const written: [string, number][] = [];
  let away = false;
  const files = {
    noteFetched: async (fetched: readonly Fetched[]) => {
      if (away) throw new Error('the database is away');
      written.push(...fetched.map(({ name, bytes }): [string, number] => [name, bytes]));
    },
  };
  const notes = new FetchNotes(files, collectedLog(), 60_000);
  for (let read = 0; read < 1_000; read++) notes.add('http', 'a.iso', 512);
  notes.add('http', 'b.iso', 1);
  notes.add('http', 'c.iso', 0);
  await notes.flush();
  expect(written).toEqual([
    ['a.iso', 512_000],
    ['b.iso', 1],
  ]);
  away = true;
  notes.add('http', 'a.iso', 7);
  await notes.flush();
  away = false;
  await notes.flush();
  await notes.flush();
  expect(written.slice(2)).toEqual([['a.iso', 7]]);
});

it('while the database is away one write is tried, and all are made afterwards', async () => {
  const tried: number[] = [];
  const written: [string, number][] = [];
  let away = true;
  const files = {
    noteFetched: async (fetched: readonly Fetched[]) => {
      tried.push(fetched.length);
      if (away) throw new DatabaseAwayError('lost', true);
      written.push(...fetched.map(({ name, bytes }): [string, number] => [name, bytes]));
    },
  };
  const notes = new FetchNotes(files, collectedLog(), 60_000);
  for (const name of ['a.iso', 'b.iso', 'c.iso']) notes.add('http', name, 1);
  await notes.flush();
  expect(tried).toEqual([3]);
  notes.add('http', 'a.iso', 7);
  away = false;
  await notes.flush();
  expect(new Map(written)).toEqual(
    new Map([
      ['a.iso', 8],
      ['b.iso', 1],
      ['c.iso', 1],
    ]),
  );
});

it('a stop writes once, and leaves no timer', async () => {
  let tried = 0;
  const files = {
    noteFetched: async () => {
      tried++;
      throw new DatabaseAwayError('lost', true);
    },
  };
  const notes = new FetchNotes(files, collectedLog(), 5);
  notes.add('http', 'a.iso', 1);
  await notes.stop();
  notes.add('http', 'b.iso', 1);
  await sleep(100);
  expect(tried).toBe(1);
});

it('a fault in the turn of a write leaves it to the next one', async () => {
  const { thrown } = throwOnce('published files: fetched bytes');
  const written: [string, number][] = [];
  const files = {
    noteFetched: async (fetched: readonly Fetched[]) => {
      written.push(...fetched.map(({ name, bytes }): [string, number] => [name, bytes]));
    },
  };
  const notes = new FetchNotes(files, collectedLog(), 20);
  notes.add('http', 'a.iso', 3);
  await expect.poll(() => written).toEqual([['a.iso', 3]]);
  expect(thrown()).toBe(true);
});

it('a stop waits for the write under way', async () => {
  let done = false;
  const files = {
    noteFetched: async () => {
      await sleep(50);
      done = true;
    },
  };
  const notes = new FetchNotes(files, collectedLog(), 60_000);
  notes.add('http', 'a.iso', 1);
  const writing = notes.flush();
  await notes.stop();
  expect(done).toBe(true);
  await writing;
});
