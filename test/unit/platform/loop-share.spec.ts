import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { LoopShare } from '../../../src/platform/loop-share.js';

/** Uses up a turn's share. */
function work(): void {
  const end = performance.now() + 11;
  while (performance.now() < end);
}

it('hands out one turn’s share and lets the loop go round before the next', async () => {
  const share = new LoopShare();
  const seen: string[] = [];
  let turn = 0;
  let over = false;
  const count = async () => {
    while (!over) {
      await nextTurn();
      turn++;
    }
  };
  const counted = count();
  await Promise.all(
    ['a', 'b', 'c'].map(async (name) => {
      await share.take(work);
      seen.push(`${name} ${turn}`);
    }),
  );
  over = true;
  await counted;
  expect(seen.map((text) => text[0])).toEqual(['a', 'b', 'c']);
  expect(new Set(seen.map((text) => text.slice(2))).size).toBe(3);
});

it('counts what threw, too', async () => {
  const share = new LoopShare();
  const refused = share.take(() => {
    work();
    throw new Error('refused');
  });
  await expect(refused).rejects.toThrow('refused');
  let passed = false;
  const asked = share.take(() => {
    passed = true;
  });
  await Promise.resolve();
  await Promise.resolve();
  expect(passed).toBe(false);
  await asked;
});
