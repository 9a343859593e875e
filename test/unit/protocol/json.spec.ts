import { expect, it } from 'vitest';
import { isTooDeep } from '../../../src/protocol/json.js';

it.each<[string, string, boolean]>([
  ['64 lists', '['.repeat(64) + ']'.repeat(64), false],
  ['65 lists', '['.repeat(65) + ']'.repeat(65), true],
  ['65 objects that do not end', '{"a":'.repeat(65), true],
  ['many beside each other', `[${'[],'.repeat(1_000)}{}]`, false],
  ['brackets in a string', JSON.stringify('['.repeat(1_000)), false],
  ['a string that ends in a backslash, and 65 lists', String.raw`["\\",${'['.repeat(64)}`, true],
  ['a quote within a string', JSON.stringify(`"${'['.repeat(1_000)}`), false],
])('%s', (_, text, deep) => {
  expect(isTooDeep(text)).toBe(deep);
});
