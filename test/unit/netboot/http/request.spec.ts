import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nameOf } from '../../../../src/netboot/http/request.js';

describe('names', () => {
  it.each([
    ['/boot.ipxe', 'boot.ipxe'],
    ['/boot.ipxe?mac=x&..', 'boot.ipxe'],
    ['/a/b-c_d.e', 'a/b-c_d.e'],
    ['/a%3ab%20', null],
    ['/a%3ab', 'a:b'],
    ['//grubx64.efi', 'grubx64.efi'],
    ['//etc/passwd', 'etc/passwd'],
    ['/./a', 'a'],
    ['/a/./b', 'a/b'],
    ['/a//b', 'a/b'],
    ['/\\a\\b', 'a/b'],
    ['/%5ca%5Cb', 'a/b'],
    ['/a%ff%00', null],
    ['/a%ff%8f', 'a'],
    ['/a\xff\x42', 'a'],
  ])('%s', (target, name) => {
    expect(nameOf(target)).toBe(name);
  });

  it.each([
    '/',
    '//',
    '/../etc/passwd',
    '/a/../b',
    '/a/',
    '/%2e%2e/etc/passwd',
    '/..%2fetc%2fpasswd',
    '/..%2Fetc',
    '/a%00b',
    '/a\\..\\b',
    '/%5c..%5ca',
    '/%ff',
    '/a/.',
    '/a%5c',
    '/..\xff',
    '/%252e%252e/x',
    '/a%',
    '/a%zz',
    '/ä',
    '/%C3%A4',
    'http://evil/boot.ipxe',
    'boot.ipxe',
    '*',
    '',
    `/${'a'.repeat(256)}`,
  ])('%j is nobody’s', (target) => {
    expect(nameOf(target)).toBeNull();
  });

  it('whatever comes out has no part that leaves a folder', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('.', '/', '%2e', '%2f', '\\', '%5c', 'a', '%', '?', '\0', '%ff', '\xff'),
        }),
        (text) => {
          const name = nameOf(`/${text}`);
          if (name !== null) expect(name).not.toMatch(/(^|\/)\.\.?(\/|$)|^\/|\\|\0|%/);
        },
      ),
      { numRuns: 5_000 },
    );
  });
});
