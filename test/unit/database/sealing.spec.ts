import { mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Keyring, loadKeyring } from '../../../src/database/sealing.js';
import type { JsonObject } from '../../../src/domain/json.js';
import { joinSecrets, splitSecrets } from '../../../src/domain/secret-key.js';
import { sealUnbound } from '../../support/seal-unbound.js';

const key = (id: number, fill: number) => ({ id, key: Buffer.alloc(32, fill) });

const NODE = { table: 'node', column: 'driver_info_sealed', row: '1be26c0b-03f2-4d2e-ae87-c02d7f33c123' };

describe('Keyring', () => {
  it('opens what it sealed, never twice the same bytes', () => {
    const ring = new Keyring([key(1, 1)]);
    expect(ring.open(ring.seal('text', NODE), NODE)).toBe('text');
    expect(ring.seal('text', NODE).equals(ring.seal('text', NODE))).toBe(false);
  });

  it('takes a nonce once, however many texts it seals', () => {
    const ring = new Keyring([key(1, 1)]);
    const nonces = Array.from({ length: 1_000 }, () =>
      ring.seal('text', NODE).subarray(2, 14).toString('hex'),
    );
    expect(new Set(nonces).size).toBe(1_000);
  });

  it('rotates: the new key seals, the old one still opens', () => {
    const old = new Keyring([key(1, 1)]).seal('before', NODE);
    const ring = new Keyring([key(2, 2), key(1, 1)]);
    expect(ring.open(old, NODE)).toBe('before');
    expect(() => new Keyring([key(1, 1)]).open(ring.seal('after', NODE), NODE)).toThrow('needs key 2');
  });

  it('refuses a changed byte', () => {
    const ring = new Keyring([key(1, 1)]);
    const sealed = ring.seal('text', NODE);
    for (let i = 0; i < sealed.length; i++) {
      const bad = Buffer.from(sealed);
      bad[i] = bad[i]! ^ 1;
      expect(() => ring.open(bad, NODE), `byte ${i}`).toThrow();
      expect(() => ring.openAny(bad, NODE), `byte ${i}`).toThrow();
    }
    for (let length = 0; length < sealed.length; length++) {
      expect(() => ring.open(sealed.subarray(0, length), NODE), `${length} bytes`).toThrow('damaged');
    }
  });

  it('opens nothing that stood in another row, column or table, and names where it stands now', () => {
    const ring = new Keyring([key(1, 1)]);
    const sealed = ring.seal('secret text', NODE);
    for (const other of [
      { ...NODE, row: '1be26c0b-03f2-4d2e-ae87-c02d7f33c124' },
      { ...NODE, column: 'instance_info_sealed' },
      { ...NODE, table: 'runbook' },
    ]) {
      const message = `The sealed value ${other.column} of ${other.table} ${other.row} does not open: it is damaged, or was`;
      expect(() => ring.open(sealed, other)).toThrow(message);
      expect(() => ring.open(sealed, other)).not.toThrow('secret text');
    }
  });

  it('opens what an earlier Ferric sealed only where it is asked to', () => {
    const ring = new Keyring([key(1, 1)]);
    const unbound = sealUnbound('text', key(1, 1));
    expect(ring.openAny(unbound, NODE)).toBe('text');
    expect(() => ring.open(unbound, NODE)).toThrow('sealed by an earlier Ferric');
    // One that is bound does not become unbound by its first byte, nor the reverse.
    const bound = ring.seal('text', NODE);
    bound[0] = 1;
    expect(() => ring.openAny(bound, NODE)).toThrow('does not open');
    unbound[0] = 2;
    expect(() => ring.openAny(unbound, NODE)).toThrow('does not open');
  });

  it('makes its file private, and never when secrets exist already', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'ferric-key-')), 'secret.key');
    expect(() => loadKeyring(file, false)).toThrow('is missing');
    const sealed = loadKeyring(file, true).seal('x', NODE);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(loadKeyring(file, false).open(sealed, NODE)).toBe('x');
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
