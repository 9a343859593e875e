import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPublished } from '../../../../src/netboot/published/open-file.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ferric-open-'));
  writeFileSync(join(directory, 'file'), 'abc');
  symlinkSync('file', join(directory, 'link'));
  mkdirSync(join(directory, 'folder'));
  execFileSync('mkfifo', [join(directory, 'fifo')]);
});
afterAll(() => rmSync(directory, { recursive: true }));

const size = async (path: string, links = false) => {
  const file = await openPublished(path, links);
  await file?.handle.close();
  return file?.stats.size ?? null;
};

it('opens regular files, and links only where they may be', async () => {
  expect(await size(join(directory, 'file'))).toBe(3);
  expect(await size(join(directory, 'link'))).toBeNull();
  expect(await size(join(directory, 'link'), true)).toBe(3);
});

it.each(['missing', 'folder', 'fifo', 'file/below'])('has no %s', async (name) => {
  expect(await size(join(directory, name))).toBeNull();
  expect(await size(join(directory, name), true)).toBeNull();
});

it('has no devices', async () => {
  expect(await size('/dev/zero')).toBeNull();
});
