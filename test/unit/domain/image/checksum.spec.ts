import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ChecksumRules, parseChecksumFields } from '../../../../src/domain/image/checksum.js';
import { parseChecksumFile } from '../../../../src/domain/image/checksum-file.js';
import { checksumText } from '../../../../src/domain/image/checksum-text.js';
import { algorithmName, digestBytes } from '../../../../src/domain/image/digest-algorithm.js';

const digest = (algorithm: string, text = 'image') => createHash(algorithm).update(text).digest('hex');
const rules: ChecksumRules = { allowMd5: true };
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
    [{ image_checksum: `${SHA256}  disk.img` }, { algorithm: 'sha256', value: SHA256 }],
    [{ image_checksum: ` ${SHA256} *C:\\images\\disk.img\n` }, { algorithm: 'sha256', value: SHA256 }],
    [{ image_checksum: `SHA2-512(disk.img)= ${digest('sha512')}` }, { algorithm: 'sha512' }],
    [{ image_checksum: `sha256:${SHA256}  disk.img` }, { algorithm: 'sha256' }],
    [{ image_os_hash_algo: 'SHA2-256', image_os_hash_value: SHA256 }, { algorithm: 'sha256' }],
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
    ['OpenSSL 3', `SHA2-256(${name})= ${SHA256}\n`, 'sha256'],
    ['OpenSSL 3 SHA-512', `SHA2-512(x)= 0\nSHA2-512(${name})= ${digest('sha512')}\n`, 'sha512'],
    ['OpenSSL 1', `SHA256(${name})= ${SHA256}\n`, 'sha256'],
    ['OpenSSL BLAKE2', `BLAKE2B-512(${name})= ${digest('blake2b512')}\n`, 'blake2b512'],
    ['b2sum --tag', `BLAKE2b (${name}) = ${digest('blake2b512')}\n`, 'blake2b512'],
    ['SHA512/256', `SHA512/256 (${name}) = ${digest('sha512-256')}\n`, 'sha512-256'],
    [
      'cksum --base64',
      `SHA256 (${name}) = ${createHash('sha256').update('image').digest('base64')}`,
      'sha256',
    ],
    ['standard input', `${SHA256}  -\n`, 'sha256'],
    ['OpenSSL standard input', `SHA3-256(stdin)= ${digest('sha3-256')}\n`, 'sha3-256'],
    ['Windows', `${SHA256} *C:\\images\\${name}\r\n`, 'sha256'],
    [
      'PowerShell',
      `\r\nAlgorithm  Hash  Path\r\n---------  ----  ----\r\nSHA256     ${SHA256.toUpperCase()}     C:\\x\\${name}\r\n`,
      'sha256',
    ],
    ['certutil', `SHA256 hash of ${name}:\r\n${SHA256}\r\nCertUtil: done.\r\n`, 'sha256'],
    ['escaped', `\\${SHA256}  a\\\\b/${name}\n`, 'sha256'],
    ['DIGESTS', `# MD5 HASH\n${MD5}  ${name}\n# SHA512 HASH\n${digest('sha512')}  ${name}\n`, 'sha512'],
    [
      'DIGESTS with what is not known',
      `# SHA512 HASH\n${digest('sha512')}  ${name}\n# WHIRLPOOL HASH\n${'1'.repeat(128)}  ${name}\n`,
      'sha512',
    ],
    ['BLAKE2 in a section', `# BLAKE2B HASH\n${digest('blake2b512')}  ${name}\n`, 'blake2b512'],
    ['brackets', `[SHA3-256]\n${digest('sha3-256')}  ${name}\n`, 'sha3-256'],
    [
      'signed, bare',
      `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n- ${SHA256}  ${name}\n-----BEGIN PGP SIGNATURE-----\n\niQ==\n`,
      'sha256',
    ],
    [
      'signed, bare',
      `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n${SHA256}\n-----BEGIN PGP SIGNATURE-----\n\niQ==\n`,
      'sha256',
    ],
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
    ['BLAKE2 of another length', `BLAKE2b-256 (${name}) = ${SHA256}\n`, /algorithm is not known/],
    ['a section that is not known', `# WHIRLPOOL HASH\n${digest('sha512')}  ${name}\n`, /not known/],
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

  it.each<[string, string, string]>([
    ['B2SUMS', `${digest('blake2b512')}  ${name}\n`, 'blake2b512'],
    ['b2sums.txt', `${digest('blake2b512')}  ${name}\n`, 'blake2b512'],
    ['disk.img.sha3-256', `${digest('sha3-256')}\n`, 'sha3-256'],
    ['disk.img.sha3-256', `SHA256 (${name}) = ${SHA256}\n`, 'sha256'],
    ['SHA3_512SUMS.gz', `${digest('sha3-512')}  ${name}\n`, 'sha3-512'],
    ['md5sum.txt', `${SHA256}  ${name}\n`, 'sha256'],
    ['CHECKSUM', `${digest('sha512')}  ${name}\n`, 'sha512'],
  ])('what the file does not tell, its name does: %s', (file, text, algorithm) => {
    expect(parseChecksumFile(text, name, rules, `https://h/x/${file}?sig=1`).algorithm).toBe(algorithm);
  });

  it('of the same name in several folders takes the one that the URL names', () => {
    const hash = (folder: string) => digest('sha256', folder);
    const text = ['amd64', 'arm64'].map((folder) => `${hash(folder)}  ./${folder}/disk.img`).join('\n');
    const found = (url: string, all = text) =>
      parseChecksumFile(all, url, rules, 'https://h/12/SHA256SUMS').value;
    expect(found('https://h/12/arm64/disk.img?sig=x')).toBe(hash('arm64'));
    expect(found('https://mirror/deb/12/amd64/disk.img')).toBe(hash('amd64'));
    expect(() => found('https://h/12/disk.img')).toThrow(/does not tell which/);
    expect(found('https://h/12/disk.img', `${text}\n${hash('top')}  disk.img`)).toBe(hash('top'));
    expect(found('https://h/12/riscv/disk.img', `${hash('old')}  old/disk.img`)).toBe(hash('old'));
  });
});

it('every algorithm of the table has the length that Node.js gives it, by every spelling', () => {
  const names = [
    'md5',
    'SHA1',
    'rmd160',
    'sha2-224',
    'SHA-256',
    'SHA2_384',
    'SHA512',
    'SHA2-512/224',
    'SHA512-256',
  ];
  for (const spelling of [
    ...names,
    'sha3_224',
    'SHA3-256',
    'sha3-384',
    'SHA3_512',
    'BLAKE2b',
    'blake2s',
    'SM3',
  ]) {
    const name = algorithmName(spelling);
    expect([spelling, createHash(name!).digest().length]).toEqual([spelling, digestBytes(name!)]);
  }
  for (const none of ['rot13', 'shake128', 'whirlpool', 'blake2b-256', '', 'constructor'])
    expect(algorithmName(none)).toBeUndefined();
});

describe('checksumText', () => {
  const text = `${SHA256}  disk.img\r\n`;
  const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le');
  it.each<[string, Buffer]>([
    ['UTF-8', Buffer.from(text)],
    ['UTF-8 with a mark', Buffer.from(`\ufeff${text}`)],
    ['UTF-16LE', utf16],
    ['UTF-16LE without a mark', utf16.subarray(2)],
    ['UTF-16BE', Buffer.from(utf16).swap16()],
    ['gzip', gzipSync(text)],
    ['gzip of UTF-16', gzipSync(utf16)],
  ])('%s', async (_form, bytes) => {
    expect(await checksumText(bytes)).toBe(text);
  });

  it('refuses a bomb and a broken stream', async () => {
    await expect(checksumText(gzipSync(Buffer.alloc(64 << 20)))).rejects.toThrow(/larger than 1048576 bytes/);
    await expect(checksumText(gzipSync(text).subarray(0, 30))).rejects.toThrow(/broken gzip/);
  });
});
