import { mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Keyring, loadKeyring } from '../../../src/database/sealing.js';
import type { JsonObject } from '../../../src/domain/json.js';
import { joinSecrets, splitSecrets } from '../../../src/domain/secret-key.js';

const key = (id: number, fill: number) => ({ id, key: Buffer.alloc(32, fill) });

describe('Keyring', () => {
  it('opens what it sealed, never twice the same bytes', () => {
    const ring = new Keyring([key(1, 1)]);
    expect(ring.open(ring.seal('text'))).toBe('text');
    expect(ring.seal('text').equals(ring.seal('text'))).toBe(false);
  });

  it('takes a nonce once, however many texts it seals', () => {
    const ring = new Keyring([key(1, 1)]);
    const nonces = Array.from({ length: 1_000 }, () => ring.seal('text').subarray(2, 14).toString('hex'));
    expect(new Set(nonces).size).toBe(1_000);
  });

  it('rotates: the new key seals, the old one still opens', () => {
    const old = new Keyring([key(1, 1)]).seal('before');
    const ring = new Keyring([key(2, 2), key(1, 1)]);
    expect(ring.open(old)).toBe('before');
    expect(() => new Keyring([key(1, 1)]).open(ring.seal('after'))).toThrow('needs key 2');
  });

  it('refuses a changed byte', () => {
    const ring = new Keyring([key(1, 1)]);
    const sealed = ring.seal('text');
    for (let i = 0; i < sealed.length; i++) {
      const bad = Buffer.from(sealed);
      bad[i] = bad[i]! ^ 1;
      expect(() => ring.open(bad), `byte ${i}`).toThrow();
    }
  });

  it('makes its file private, and never when secrets exist already', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'ferric-key-')), 'secret.key');
    expect(() => loadKeyring(file, false)).toThrow('is missing');
    const sealed = loadKeyring(file, true).seal('x');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(loadKeyring(file, false).open(sealed)).toBe('x');
  });
});

describe('splitSecrets', () => {
  it('and joinSecrets are inverses for any JSON', () => {
    const keys = fc.oneof(
      fc.string(),
      fc.constantFrom('password', 'a/b', '~', '__proto__', 'auth_token', 'x'),
    );
    const { json } = fc.letrec((tie) => ({
      json: fc.oneof(
        { maxDepth: 4 },
        fc.string(),
        fc.integer(),
        fc.constant(null),
        fc.array(tie('json'), { maxLength: 3 }),
        fc.dictionary(keys, tie('json'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(keys, json), (value) => {
        const object = value as JsonObject;
        const { open, secrets } = splitSecrets(object, ['x']);
        expect(JSON.stringify(joinSecrets(open, secrets))).toBe(JSON.stringify(object));
      }),
      { numRuns: 300 },
    );
  });
});
