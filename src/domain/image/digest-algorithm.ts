// The checksum algorithms of images with all their spellings, for conductor, agent and builds.

/** Name in Node's crypto, bytes of the digest, and other spellings: coreutils, OpenSSL 3, Python's hashlib. */
const ALGORITHMS: readonly (readonly [name: string, bytes: number, spellings: readonly string[]])[] = [
  ['md5', 16, []],
  ['sha1', 20, []],
  ['ripemd160', 20, ['rmd160']],
  ['sha224', 28, ['sha2224']],
  ['sha256', 32, ['sha2256']],
  ['sha384', 48, ['sha2384']],
  ['sha512', 64, ['sha2512']],
  ['sha512-224', 28, ['sha2512224']],
  ['sha512-256', 32, ['sha2512256']],
  ['sha3-224', 28, []],
  ['sha3-256', 32, []],
  ['sha3-384', 48, []],
  ['sha3-512', 64, []],
  ['blake2b512', 64, ['blake2b', 'blake2', 'b2']],
  ['blake2s256', 32, ['blake2s']],
  ['sm3', 32, []],
];

const NAMES = new Map(
  ALGORITHMS.flatMap(([name, , spellings]) => [name, ...spellings].map((one) => [plain(one), name])),
);
const BYTES = new Map(ALGORITHMS.map(([name, bytes]) => [name, bytes]));
/** The algorithm of a hash without a name, by its number of hex digits. */
const BY_DIGITS = new Map(
  ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'].map((name) => [2 * BYTES.get(name)!, name]),
);

/** Name in Node's crypto for `SHA-256`, `SHA2-256`, `sha3_256`, `SHA512/256`, `BLAKE2b` and the like. */
export function algorithmName(spelling: string): string | undefined {
  return NAMES.get(plain(spelling));
}

/** @param name as `algorithmName` returns it */
export function digestBytes(name: string): number | undefined {
  return BYTES.get(name);
}

export function algorithmByDigits(digits: number): string | undefined {
  return BY_DIGITS.get(digits);
}

/** The algorithm in the name of a checksum file: `SHA3-256SUMS`, `b2sums.txt`, `disk.img.sha512`. */
export function algorithmOfFile(name: string): string | undefined {
  const sums = /^([a-z0-9_-]+?)[-_.]?(?:check)?sums?(?:\.[a-z]+)*$/i.exec(name)?.[1];
  return (
    (sums === undefined ? undefined : algorithmName(sums)) ??
    name
      .split('.')
      .reverse()
      .map((part) => algorithmName(part.replace(/[-_]?sums?$/i, '')))
      .find((found) => found !== undefined)
  );
}

function plain(spelling: string): string {
  return spelling.toLowerCase().replaceAll(/[-_/]/g, '');
}
