import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rescueExtension } from '../../../../../agent/src/extension/rescue.js';

const HASH = `$5$saltstring$${'a'.repeat(43)}`;
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rescue-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('rescue.finalize_rescue', () => {
  const bed = () => {
    const done: string[] = [];
    const rescued = Promise.withResolvers<void>();
    const files = { password: join(dir, 'ipa/password'), marker: join(dir, 'rescued') };
    const extension = rescueExtension({
      log: { say: (text) => void done.push(text), detail: () => undefined },
      files,
      close: async () => void done.push('closed'),
      onRescued: () => rescued.resolve(),
    });
    return { command: extension['finalize_rescue']!, files, done, rescued: rescued.promise };
  };
  it('writes the hash for whoever makes the user, and ends the API behind its answer', async () => {
    const { command, files, done, rescued } = bed();
    const answer = await command.run({ rescue_password: HASH, hashed: true }, { progress: () => undefined });
    expect(answer).toBeNull();
    expect(done).toEqual([]);
    expect(readFileSync(files.password, 'utf8')).toBe(HASH);
    expect(statSync(files.password).mode & 0o777).toBe(0o600);
    await rescued;
    expect(done[0]).toBe('closed');
    expect(done.join()).not.toContain(HASH);
    expect(readFileSync(files.marker, 'utf8')).toBe('');
  });
  it.each([
    [{ rescue_password: 'clear', hashed: false }, 'must be hashed'],
    [{ rescue_password: 'clear', hashed: true }, 'is no SHA-256 or SHA-512 hash'],
    [{ rescue_password: `${HASH}\nroot::0:0`, hashed: true }, 'is no SHA-256 or SHA-512 hash'],
    [{ hashed: true }, 'is no SHA-256 or SHA-512 hash'],
  ])('refuses %j', (params, words) => {
    const { command } = bed();
    let error: unknown;
    try {
      command.validate!(params);
    } catch (thrown) {
      error = thrown;
    }
    expect(JSON.stringify(error) + String((error as Error).message)).toContain(words);
  });
});
