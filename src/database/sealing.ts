import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { FerricError } from '../domain/errors.js';
import type { Json, JsonObject } from '../domain/json.js';
import { joinSecrets, splitSecrets } from '../domain/secret-key.js';

/** Bytes. */
const NONCE = 12;
const HEAD = 2 + NONCE + 16;
/** First byte of a value that is bound to its place. */
const BOUND = 2;
/** First byte of a value of Ferric before it bound them. */
const UNBOUND = 1;

/** Where a sealed value stands. Names of tables and columns are code's; no part has a NUL character. */
export interface SealedPlace {
  readonly table: string;
  readonly column: string;
  /** What names the row for as long as it lives, e.g. its UUID; capitals do not count. */
  readonly row: string;
}

/**
 * Seals texts at rest with AES-256-GCM (NIST SP 800-38D). Layout: version 2, key number, nonce 12, tag 16, ciphertext.
 * Table, column and row are the additional authenticated data: what is copied to another place does not open there.
 * The keys live outside the database; the first seals, all open, so that a key can be rotated.
 */
export class Keyring {
  readonly #keys: readonly { id: number; key: KeyObject }[];
  /** Random bytes for the next nonces. */
  #unused = Buffer.alloc(0);

  /** @param keys 32 bytes each, with the number that sealed texts carry */
  constructor(keys: readonly { id: number; key: Buffer }[]) {
    if (keys.length === 0) throw new FerricError('invalid', 'There is no key to seal secrets with');
    this.#keys = keys.map(({ id, key }) => ({ id, key: createSecretKey(key) }));
  }

  seal(text: string, place: SealedPlace): Buffer {
    const { id, key } = this.#keys[0]!;
    const nonce = this.#nonce();
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(boundTo(place));
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([Buffer.from([BOUND, id]), nonce, cipher.getAuthTag(), sealed]);
  }

  holds(id: number): boolean {
    return this.#keys.some((one) => one.id === id);
  }

  /** First two bytes of what this keyring seals now: version, key number. */
  get seals(): Buffer {
    return Buffer.from([BOUND, this.#keys[0]!.id]);
  }

  #nonce(): Buffer {
    // By the hundred: each call for random bytes costs as much as sealing a password.
    if (this.#unused.length === 0) this.#unused = randomBytes(100 * NONCE);
    const nonce = this.#unused.subarray(0, NONCE);
    this.#unused = this.#unused.subarray(NONCE);
    return nonce;
  }

  /** @throws FerricError internal when the key is missing, or the value is damaged or was sealed for another place */
  open(sealed: Uint8Array, place: SealedPlace): string {
    if (sealed[0] === UNBOUND) {
      throw refusal(
        place,
        'it was sealed by an earlier Ferric, unbound to its row, and was not there when the daemon bound such values ' +
          '(how-to: backup and keys)',
      );
    }
    return this.#open(sealed, place, BOUND);
  }

  /** As `open`, for values of an earlier Ferric too, which were not bound to a place. For `bindSealed` alone. */
  openAny(sealed: Uint8Array, place: SealedPlace): string {
    return this.#open(sealed, place, sealed[0] === UNBOUND ? UNBOUND : BOUND);
  }

  #open(sealed: Uint8Array, place: SealedPlace, version: number): string {
    const bytes = Buffer.from(sealed);
    if (bytes[0] !== version || bytes.length < HEAD) throw refusal(place, 'it is damaged');
    const key = this.#keys.find(({ id }) => id === bytes[1])?.key;
    if (!key) throw refusal(place, `it needs key ${bytes[1]}, which the key file does not hold`);
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(2, 2 + NONCE));
      decipher.setAuthTag(bytes.subarray(2 + NONCE, HEAD));
      if (version === BOUND) decipher.setAAD(boundTo(place));
      return Buffer.concat([decipher.update(bytes.subarray(HEAD)), decipher.final()]).toString('utf8');
    } catch (error) {
      throw refusal(
        place,
        'it is damaged, or was sealed with another key or for another row or column',
        error,
      );
    }
  }
}

/** A UUID may be written in capitals where a row is made; the database gives it back without. */
function boundTo({ table, column, row }: SealedPlace): Buffer {
  return Buffer.from([table, column, row.toLowerCase()].join('\0'), 'utf8');
}

/** Names the row, and nothing of what is in it. */
function refusal({ table, column, row }: SealedPlace, why: string, cause?: unknown): FerricError {
  return new FerricError('internal', `The sealed value ${column} of ${table} ${row} does not open: ${why}`, {
    cause,
  });
}

/**
 * Takes the secrets out of an object, for a pair of columns.
 * @param alsoSecret top-level keys that are secret whole
 */
export function sealSecrets(
  keyring: Keyring,
  whole: JsonObject,
  place: SealedPlace,
  alsoSecret: readonly string[] = [],
): { open: JsonObject; sealed: Buffer | null } {
  const { open, secrets } = splitSecrets(whole, alsoSecret);
  return { open, sealed: secrets ? keyring.seal(JSON.stringify(secrets), place) : null };
}

/** The inverse of `sealSecrets`. */
export function openSecrets(
  keyring: Keyring,
  open: JsonObject,
  sealed: Uint8Array | null,
  place: SealedPlace,
): JsonObject {
  return sealed ? joinSecrets(open, JSON.parse(keyring.open(sealed, place)) as Record<string, Json>) : open;
}

/**
 * Reads `<number>:<base64 of 32 bytes>` lines, making the file with one fresh key (mode 0600) if it is missing.
 * @param mayCreate false when the database already holds sealed secrets: a fresh key could not open them
 */
export function loadKeyring(file: string, mayCreate: boolean): Keyring {
  if (!existsSync(file)) {
    if (!mayCreate) {
      throw new FerricError(
        'invalid',
        `The key file ${file} is missing, and the database holds secrets sealed with it`,
      );
    }
    mkdirSync(dirname(file), { recursive: true });
    const handle = openSync(file, 'wx', 0o600);
    writeSync(handle, `1:${randomBytes(32).toString('base64')}\n`);
    fsyncSync(handle);
    closeSync(handle);
  }
  const keys = readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith('#'))
    .map((line, index) => {
      const [id, base64] = line.split(':');
      const key = Buffer.from(base64 ?? '', 'base64');
      if (!/^\d{1,3}$/.test(id ?? '') || Number(id) > 255 || key.length !== 32) {
        throw new FerricError(
          'invalid',
          `${file} line ${index + 1}: want <number 0-255>:<base64 of 32 bytes>`,
        );
      }
      return { id: Number(id), key };
    });
  return new Keyring(keys);
}
