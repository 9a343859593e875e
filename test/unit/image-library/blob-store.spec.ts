import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BlobStore } from '../../../src/image-library/blob-store.js';

const SHA512 = 'a'.repeat(128);
let directory: string;
let store: BlobStore;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ferric-store-'));
  store = new BlobStore({ directory, keepFree: 0 });
  await store.start();
  path = store.path(SHA512);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, 'the image');
  await writeFile(`${path}.json`, '{"size": 9}');
});
afterEach(() => rm(directory, { recursive: true }));

// What is lost is lost for good: nothing that passes, and nobody else's absence.
it.each([
  ['the bytes', () => rm(path)],
  ['some of the bytes', () => truncate(path, 3)],
  ['what is said of them', () => rm(`${path}.json`)],
  ['a part of what is said of them', () => writeFile(`${path}.json`, '{"size"')],
])('%s that are lost are the image’s failure', async (_, lose) => {
  await lose();
  await expect(store.facts(SHA512)).rejects.toMatchObject({ code: 'image-unavailable' });
});
