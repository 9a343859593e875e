import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootName } from '../../../src/domain/boot-name.js';

describe('the name of a boot file', () => {
  it.each([
    ['x', 'x'],
    ['/x', 'x'],
    ['//x', 'x'],
    ['/./x', 'x'],
    ['./a//./b', 'a/b'],
    ['\\x', 'x'],
    ['\\boot\\x64.efi', 'boot/x64.efi'],
    ['x\xff', 'x'],
    ['x\xff\xff\x03garbage', 'x'],
    ['x\0\xff', 'x'],
    ['.../x', '.../x'],
    ['a'.repeat(255), 'a'.repeat(255)],
  ])('%j is %j', (asked, name) => {
    expect(bootName(asked)).toBe(name);
  });

  it.each([
    '',
    '/',
    '\\',
    '\xff',
    '..',
    '../x',
    'a/../x',
    'a\\..\\x',
    '..\xff',
    'x/',
    'x\\',
    'x/.',
    'a b',
    'ä',
    'a\tb',
    'a'.repeat(256),
  ])('%j is none', (asked) => {
    expect(bootName(asked)).toBeNull();
  });

  it('has one spelling', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', '.', '..', '/', '\\', '\xff', '\0', '%') }),
        (asked) => {
          const name = bootName(asked);
          if (name === null) return;
          expect(bootName(name)).toBe(name);
          expect(name).not.toMatch(/(^|\/)\.{0,2}(\/|$)|\\/);
        },
      ),
      { numRuns: 5_000 },
    );
  });
});
