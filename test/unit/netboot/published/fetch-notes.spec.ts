import { expect, it } from 'vitest';
import { FetchNotes } from '../../../../src/netboot/published/fetch-notes.js';
import { collectedLog } from '../../../support/log.js';

it('many small reads are one write; a write that fails is made again', async () => {
  const written: [string, number][] = [];
  let away = false;
  const files = {
    noteFetched: async (_service: string, name: string, bytes: number) => {
      if (away) throw new Error('the database is away');
      written.push([name, bytes]);
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
