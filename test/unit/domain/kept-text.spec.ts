import { expect, it } from 'vitest';
import { keptText, MOST_KEPT } from '../../../src/domain/kept-text.js';

const bytes = (text: string) => new TextEncoder().encode(text).length;

it.each([
  ['a short one', 'no disk'],
  ['the longest', 'x'.repeat(MOST_KEPT)],
  ['the longest of other letters', '\u{1f600}'.repeat(MOST_KEPT / 4)],
])('leaves %s as it is', (_, text) => {
  expect(keptText(text)).toBe(text);
});

it.each([
  ['letters of one byte', 'x'.repeat(MOST_KEPT + 1)],
  ['of three', '語'.repeat(MOST_KEPT)],
  ['of four', `a${'\u{1f600}'.repeat(MOST_KEPT)}`],
])('cuts %s between two, and says so', (_, text) => {
  const kept = keptText(text);
  expect(bytes(kept)).toBeLessThanOrEqual(MOST_KEPT);
  expect(bytes(kept)).toBeGreaterThan(MOST_KEPT - 8);
  expect(kept.endsWith(' … (cut)')).toBe(true);
  expect(text.startsWith(kept.slice(0, -' … (cut)'.length))).toBe(true);
  expect(kept).not.toContain('\ufffd');
});

it('has no NUL, for which PostgreSQL has no place', () => {
  expect(keptText('a\u0000b')).toBe('ab');
});
