import { createHash, randomInt } from 'node:crypto';

export type CryptAlgorithm = 'sha256' | 'sha512';

const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ROUNDS = 5_000;
/** Order in which the bytes of the digest are written, three at a time: each triple is the last one moved by `step`. */
const KINDS = {
  sha256: { prefix: '5', size: 32, first: [0, 10, 20], step: 21, last: [31, 30] },
  sha512: { prefix: '6', size: 64, first: [0, 21, 42], step: 22, last: [63] },
} as const;

/**
 * A password as /etc/shadow holds it (Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512", SHA-crypt.txt; the
 * numbers in the comments are its steps), with 5000 rounds.
 * @param salt up to sixteen characters; by default a random one
 */
export function shaCrypt(password: string, algorithm: CryptAlgorithm, salt: string = randomSalt()): string {
  const { prefix, size } = KINDS[algorithm];
  const hash = (...parts: readonly Uint8Array[]) => {
    const sum = createHash(algorithm);
    for (const part of parts) sum.update(part);
    return sum.digest();
  };
  const key = Buffer.from(password, 'utf8');
  const grain = Buffer.from(salt.slice(0, 16), 'utf8');
  // 4-8
  const b = hash(key, grain, key);
  // 1-3, 9-12
  const parts: Uint8Array[] = [key, grain, repeated(b, key.length)];
  for (let left = key.length; left > 0; left >>= 1) parts.push(left & 1 ? b : key);
  let digest = hash(...parts);
  // 13-20
  const p = repeated(hash(...Array.from({ length: key.length }, () => key)), key.length);
  const s = repeated(hash(...Array.from({ length: 16 + digest[0]! }, () => grain)), grain.length);
  // 21
  for (let round = 0; round < ROUNDS; round++) {
    const odd = (round & 1) === 1;
    const middle = [...(round % 3 === 0 ? [] : [s]), ...(round % 7 === 0 ? [] : [p])];
    digest = hash(odd ? p : digest, ...middle, odd ? digest : p);
  }
  // 22
  return `$${prefix}$${grain.toString('utf8')}$${encode(digest, algorithm, size)}`;
}

function encode(digest: Uint8Array, algorithm: CryptAlgorithm, size: number): string {
  const { first, step, last } = KINDS[algorithm];
  let text = '';
  let order: number[] = [...first];
  for (let group = 0; group < Math.floor(size / 3); group++) {
    text += letters(
      order.map((at) => digest[at]!),
      4,
    );
    order = order.map((at) => (at + step) % (size - last.length));
  }
  return (
    text +
    letters(
      Array.from(last, (at) => digest[at]!),
      last.length + 1,
    )
  );
}

/** Bytes, most significant first, as six-bit letters, least significant first. */
function letters(bytes: readonly number[], count: number): string {
  let word = bytes.reduce((sum, byte) => (sum << 8) | byte, 0);
  let text = '';
  for (let i = 0; i < count; i++) {
    text += ALPHABET[word & 63];
    word >>= 6;
  }
  return text;
}

function repeated(block: Uint8Array, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => block[at % block.length]!);
}

function randomSalt(): string {
  return Array.from({ length: 16 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}
