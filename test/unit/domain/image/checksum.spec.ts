import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ChecksumRules,
  parseChecksumFields,
  parseChecksumFile,
} from '../../../../src/domain/image/checksum.js';

const digest = (algorithm: string, text = 'image') => createHash(algorithm).update(text).digest('hex');
const rules: ChecksumRules = {
  allowMd5: true,
  digestBytes(algorithm) {
    try {
      return createHash(algorithm).digest().length;
    } catch {
      return undefined;
    }
  },
};
const noMd5 = { ...rules, allowMd5: false };
const MD5 = 'ed82def8730f394fb85aef8a208635f6'; // the seed's own example
const SHA256 = '9f6c942ad81690a9926ff530629fb69a82db8b8ab267e2cbd59df417c1a28060';

describe('parseChecksumFields', () => {
  it.each<[object, object]>([
    [{ image_checksum: MD5 }, { algorithm: 'md5', value: MD5 }],
    [{ image_checksum: SHA256.toUpperCase() }, { algorithm: 'sha256', value: SHA256 }],
    [{ image_checksum: digest('sha1') }, { algorithm: 'sha1' }],
    [{ image_checksum: digest('sha512') }, { algorithm: 'sha512' }],
    [{ image_checksum: `sha3-256:${digest('sha3-256')}` }, { algorithm: 'sha3-256' }],
    [{ image_checksum: `SHA-512:${digest('sha512')}` }, { algorithm: 'sha512' }],
    [
      { image_os_hash_algo: 'sha3_512', image_os_hash_value: digest('sha3-512') },
      { algorithm: 'sha3-512', value: digest('sha3-512') },
    ],
    [
      { image_os_hash_algo: 'blake2b', image_os_hash_value: digest('blake2b512') },
      { algorithm: 'blake2b512' },
    ],
    [{ image_os_hash_value: SHA256 }, { algorithm: 'sha256' }],
    [
      { image_checksum: MD5, image_os_hash_algo: 'sha256', image_os_hash_value: SHA256 },
      { algorithm: 'sha256', value: SHA256 },
    ],
  ])('%j', (fields, checksum) => {
    expect(parseChecksumFields(fields, rules)).toMatchObject({ kind: 'value', checksum });
  });

  it('takes a URL, and nothing at all', () => {
    const url = 'http://h/SHA256SUMS';
    expect(parseChecksumFields({ image_checksum: url }, rules)).toEqual({ kind: 'url', url });
    expect(parseChecksumFields({}, rules)).toBeUndefined();
    expect(parseChecksumFields({ image_checksum: null, image_os_hash_value: null }, rules)).toBeUndefined();
  });

  it.each<[object, RegExp]>([
    [{ image_checksum: '' }, /^image_checksum: must be a non-empty string/],
    [{ image_checksum: 5 }, /^image_checksum: must be a non-empty string/],
    [{ image_checksum: 'sha256:' }, /^image_checksum: is not a hexadecimal/],
    [{ image_checksum: 'nothex' }, /^image_checksum: is not a hexadecimal/],
    [{ image_checksum: 'abc' }, /3 hexadecimal digits tell no algorithm/],
    [{ image_checksum: `rot13:${SHA256}` }, /algorithm is not known/],
    [{ image_checksum: `sha512:${SHA256}` }, /sha512 checksum has 128 hexadecimal digits, not 64/],
    [{ image_checksum: 'http://u:canary@h/x' }, /^image_checksum: must not contain/],
    [{ image_os_hash_algo: 'sha512' }, /^image_os_hash_algo: is given without/],
    [{ image_os_hash_algo: 5, image_os_hash_value: SHA256 }, /^image_os_hash_algo: must be a string/],
    [{ image_os_hash_algo: 'md5', image_os_hash_value: SHA256 }, /^image_os_hash_value: a md5 checksum/],
    [{ image_os_hash_algo: 'sha512', image_os_hash_value: `md5:${MD5}` }, /names another algorithm/],
  ])('refuses %j', (fields, message) => {
    expect(() => parseChecksumFields(fields, rules)).toThrow(message);
  });

  it('refuses MD5 where it is turned off', () => {
    expect(() => parseChecksumFields({ image_checksum: MD5 }, noMd5)).toThrow(/MD5 checksums are turned off/);
    expect(() => parseChecksumFields({ image_checksum: `MD5:${MD5}` }, noMd5)).toThrow(/turned off/);
  });
});

describe('parseChecksumFile', () => {
  const name = 'debian 12.qcow2';
  const other = digest('sha256', 'other');
  it.each<[string, string, string]>([
    ['bare', `${SHA256}\n`, 'sha256'],
    ['bare among comments', `# made by hand\n\n${MD5}\r\n`, 'md5'],
    ['GNU text', `${other}  a.img\n${SHA256}  ${name}\n`, 'sha256'],
    ['GNU binary', `${MD5} *${name}\n`, 'md5'],
    ['one space', `${MD5} ${name}\n`, 'md5'],
    ['tabs', `${SHA256}\t${name}`, 'sha256'],
    ['in a directory', `${SHA256}  ./images/${name}\n`, 'sha256'],
    ['BSD', `# ${name}: 5 bytes\nSHA256 (${name}) = ${SHA256}\n`, 'sha256'],
    [
      'BSD of several',
      `SHA256 (x) = ${other}\nSHA256 (${name}) = ${SHA256}\nMD5 (${name}) = ${MD5}\n`,
      'sha256',
    ],
    ['BSD SHA3', `SHA3-256 (${name}) = ${digest('sha3-256')}\n`, 'sha3-256'],
    ['signed', `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n${SHA256}  ${name}\n`, 'sha256'],
  ])('%s', (_form, text, algorithm) => {
    expect(parseChecksumFile(text, name, rules).algorithm).toBe(algorithm);
  });

  it.each<[string, string, RegExp]>([
    ['empty', '\n# nothing\n', /does not list debian 12.qcow2/],
    ['another file', `${SHA256}  a.img\n`, /does not list/],
    ['a longer name', `${SHA256}  old-${name}\n`, /does not list/],
    ['html', '<html><body>404</body></html>', /not a hexadecimal/],
    ['contradiction', `${SHA256}  ${name}\n${other}  ${name}\n`, /twice, with different/],
    ['wrong length', `SHA512 (${name}) = ${SHA256}\n`, /sha512 checksum has 128/],
  ])('refuses %s', (_form, text, message) => {
    expect(() => parseChecksumFile(text, name, rules)).toThrow(message);
  });

  it('falls back to what is allowed', () => {
    const both = `${MD5}  ${name}\n${SHA256}  ${name}\n`;
    expect(parseChecksumFile(both, name, noMd5)).toEqual({ algorithm: 'sha256', value: SHA256 });
    expect(() => parseChecksumFile(`${MD5}  ${name}\n`, name, noMd5)).toThrow(/turned off/);
  });

  it('finds the line of any listed name, in linear time', () => {
    const file = fc.tuple(
      fc.stringMatching(/^[A-Za-z0-9._-]{1,30}$/),
      fc.uniqueArray(fc.stringMatching(/^[a-z]{1,10}\.img$/), { maxLength: 20 }),
    );
    fc.assert(
      fc.property(file, ([wanted, others]) => {
        const lines = [...others.filter((o) => o !== wanted), wanted].map(
          (n) => `${digest('sha256', n)}  ${n}`,
        );
        const found = parseChecksumFile(lines.reverse().join('\n'), wanted, rules);
        expect(found.value).toBe(digest('sha256', wanted));
      }),
    );
    const started = performance.now();
    expect(() =>
      parseChecksumFile(`${'a ('.repeat(50_000)}\n${'0'.repeat(100_000)} `, name, rules),
    ).toThrow();
    expect(performance.now() - started).toBeLessThan(500);
  });
});
