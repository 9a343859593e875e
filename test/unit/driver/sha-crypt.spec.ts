import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { shaCrypt } from '../../../src/driver/sha-crypt.js';

describe('shaCrypt', () => {
  it.each(['sha256', 'sha512'] as const)('%s is what OpenSSL makes', (algorithm) => {
    for (const password of ['a', 'x'.repeat(31), 'y'.repeat(32), 'z'.repeat(65), 'pä§wörd', 'a b$c']) {
      const flag = algorithm === 'sha256' ? '-5' : '-6';
      const args = ['passwd', flag, '-salt', 'Some.Salt/16char', '-stdin'];
      const theirs = execFileSync('openssl', args, { input: `${password}\n`, encoding: 'utf8' }).trim();
      expect(shaCrypt(password, algorithm, 'Some.Salt/16char')).toBe(theirs);
    }
  });
  it('salts each anew', () => {
    expect(shaCrypt('x', 'sha256')).not.toBe(shaCrypt('x', 'sha256'));
    expect(shaCrypt('x', 'sha512')).toMatch(/^\$6\$[./0-9A-Za-z]{16}\$[./0-9A-Za-z]{86}$/);
  });
});
