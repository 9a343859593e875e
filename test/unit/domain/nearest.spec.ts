import { expect, it } from 'vitest';
import { nearest } from '../../../src/domain/nearest.js';

it.each([
  ['writeimage', 'write_image'],
  ['erase', undefined],
  ['powr', 'power'],
  ['power', 'power'],
  ['zzzzzzzz', undefined],
  ['', undefined],
])('%j is nearest to %j', (word, name) => {
  expect(nearest(word, ['write_image', 'power', 'erase_devices'])).toBe(name);
  expect(nearest(word, [])).toBeUndefined();
});
