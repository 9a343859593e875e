import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nameOf, shownName } from '../../../../src/netboot/http/request.js';

describe('names', () => {
  it.each([
    ['/boot.ipxe', 'boot.ipxe'],
    ['/boot.ipxe?mac=x&..', 'boot.ipxe'],
    ['/a/b-c_d.e', 'a/b-c_d.e'],
    ['/a%3ab%20', null],
    ['/a%3ab', 'a:b'],
  ])('%s', (target, name) => {
    expect(nameOf(target)).toBe(name);
  });

  it.each([
    '/',
    '//',
    '//etc/passwd',
    '/../etc/passwd',
    '/a/../b',
    '/a/./b',
    '/a//b',
    '/a/',
    '/%2e%2e/etc/passwd',
    '/..%2fetc%2fpasswd',
    '/..%2Fetc',
    '/a%00b',
    '/a\\..\\b',
    '/a%5cb',
    '/a%5Cb',
    '/%252e%252e/x',
    '/a%',
    '/a%zz',
    '/a%ff',
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
        fc.string({ unit: fc.constantFrom('.', '/', '%2e', '%2f', '\\', 'a', '%', '?', '\0') }),
        (text) => {
          const name = nameOf(`/${text}`);
          if (name !== null) expect(name).not.toMatch(/(^|\/)\.\.?(\/|$)|^\/|\\|\0|%/);
        },
      ),
      { numRuns: 5_000 },
    );
  });
});

describe('shownName', () => {
  it('keeps the token of an image’s name out of the log, and all else in', () => {
    const node = '7daa1a92-c3d7-4add-aaed-66fcbba58912';
    expect(shownName(`agent_images/${node}/kFSw3cZ2HcVMUE5rqdLkQv9k3cJbqZkN`)).toBe(
      `agent_images/${node}/******`,
    );
    for (const name of [`${node}/deploy_ramdisk`, 'pxelinux.cfg/52-54-00-12-34-56', '']) {
      expect(shownName(name)).toBe(name);
    }
  });
});
