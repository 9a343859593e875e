import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lockDirectory } from '../../../src/platform/directory-lock.js';

const log = pino({ level: 'silent' });
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ferric-lock-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

it('is held by one, who is named, until it is released', async () => {
  const lock = await lockDirectory(directory, log);
  await expect(lockDirectory(directory, log)).rejects.toThrow(`by another daemon (pid ${process.pid})`);
  lock.release();
  (await lockDirectory(directory, log)).release();
});

it('outlives its file', async () => {
  const lock = await lockDirectory(directory, log);
  rmSync(join(directory, 'daemon.lock'));
  await expect(lockDirectory(directory, log)).rejects.toThrow(
    'is in use by another daemon; nothing was touched',
  );
  lock.release();
});
