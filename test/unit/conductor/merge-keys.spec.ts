import { expect, it } from 'vitest';
import { mergeKeys } from '../../../src/conductor/execution/merge-keys.js';

it('applies what changed, key by key, to what somebody else wrote meanwhile', () => {
  const before = { kept: 1, changed: { a: 1 }, dropped: true };
  const after = { kept: 1, changed: { a: 2 }, added: 'x' };
  const now = { kept: 7, changed: { a: 1 }, dropped: true, theirs: 'y' };
  expect(mergeKeys(before, after, now)).toEqual({ kept: 7, changed: { a: 2 }, added: 'x', theirs: 'y' });
});

it('leaves alone what is as it was', () => {
  const same = { a: [1, 2], b: null };
  expect(mergeKeys(same, structuredClone(same), { a: [3] })).toEqual({ a: [3] });
});
