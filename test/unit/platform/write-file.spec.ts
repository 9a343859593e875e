import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { writeFileAtomically } from '../../../src/platform/write-file.js';

const directory = mkdtempSync(join(tmpdir(), 'write-file-'));
afterAll(() => rmSync(directory, { recursive: true }));

it('replaces a file whole, makes its directory and leaves nothing beside it', async () => {
  const path = join(directory, 'a/b/file');
  await writeFileAtomically(path, 'old');
  const before = statSync(path).ino;
  await writeFileAtomically(path, 'new', 0o600);
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(statSync(path).ino).not.toBe(before);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(directory, 'a/b'))).toEqual(['file']);
});

it('leaves no part behind when it fails', async () => {
  const path = join(directory, 'taken');
  await mkdir(join(path, 'sub'), { recursive: true });
  await expect(writeFileAtomically(path, 'x')).rejects.toThrow();
  expect(readdirSync(directory).filter((name) => name.endsWith('.part'))).toEqual([]);
});
