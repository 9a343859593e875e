import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { FerricError } from '../domain/errors.js';
import type { Json, JsonObject } from '../domain/json.js';
import { joinSecrets, splitSecrets } from '../domain/secret-key.js';

/** Bytes. */
const NONCE = 12;

/**
 * Seals texts at rest with AES-256-GCM. Layout: version 1, key number, nonce 12, tag 16, ciphertext.
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

  seal(text: string): Buffer {
    const { id, key } = this.#keys[0]!;
    const nonce = this.#nonce();
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([Buffer.from([1, id]), nonce, cipher.getAuthTag(), sealed]);
  }

  #nonce(): Buffer {
    // By the hundred: each call for random bytes costs as much as sealing a password.
    if (this.#unused.length === 0) this.#unused = randomBytes(100 * NONCE);
    const nonce = this.#unused.subarray(0, NONCE);
    this.#unused = this.#unused.subarray(NONCE);
    return nonce;
  }

  /** @throws FerricError internal when the key is missing or the text was tampered with */
  open(sealed: Uint8Array): string {
    const bytes = Buffer.from(sealed);
    const key = this.#keys.find(({ id }) => id === bytes[1])?.key;
    if (bytes[0] !== 1 || bytes.length < 30 || !key) {
      throw new FerricError(
        'internal',
        `A sealed secret needs key ${bytes[1]}, which the key file does not hold`,
      );
    }
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(2, 14));
      decipher.setAuthTag(bytes.subarray(14, 30));
      return Buffer.concat([decipher.update(bytes.subarray(30)), decipher.final()]).toString('utf8');
    } catch (error) {
      throw new FerricError('internal', 'A sealed secret does not open: wrong key or damaged', {
        cause: error,
      });
    }
  }
}

/**
 * Takes the secrets out of an object, for a pair of columns.
 * @param alsoSecret top-level keys that are secret whole
 */
export function sealSecrets(
  keyring: Keyring,
  whole: JsonObject,
  alsoSecret: readonly string[] = [],
): { open: JsonObject; sealed: Buffer | null } {
  const { open, secrets } = splitSecrets(whole, alsoSecret);
  return { open, sealed: secrets ? keyring.seal(JSON.stringify(secrets)) : null };
}

/** The inverse of `sealSecrets`. */
export function openSecrets(keyring: Keyring, open: JsonObject, sealed: Uint8Array | null): JsonObject {
  return sealed ? joinSecrets(open, JSON.parse(keyring.open(sealed)) as Record<string, Json>) : open;
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
