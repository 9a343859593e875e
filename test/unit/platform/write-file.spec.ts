import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { streamFileAtomically, writeFileAtomically } from '../../../src/platform/write-file.js';

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

/** Writes a stream of these lines, with turns of the event loop in between. */
const pours = (line: string, count: number) => (to: Writable) =>
  pipeline(
    Readable.from(
      (async function* () {
        for (let written = 0; written < count; written++) {
          await turn();
          yield `${line}\n`;
        }
      })(),
    ),
    to,
  );

it('lets two writers of one path write at the same time: the last one’s content is there, unmixed', async () => {
  const path = join(directory, 'streamed');
  await Promise.all([
    streamFileAtomically(path, 0o600, pours('one', 200)),
    streamFileAtomically(path, 0o600, pours('two', 300)),
  ]);
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  expect(['200 one', '300 two']).toContain(`${lines.length} ${[...new Set(lines)].join()}`);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(directory).filter((name) => name.endsWith('.part'))).toEqual([]);
});

it('leaves the old content and no part when a stream fails in the middle', async () => {
  const path = join(directory, 'failed');
  await writeFileAtomically(path, 'old');
  const fails = (to: Writable) =>
    pipeline(
      Readable.from(
        (async function* () {
          yield 'half';
          await turn();
          throw new Error('the source is gone');
        })(),
      ),
      to,
    );
  await expect(streamFileAtomically(path, 0o600, fails)).rejects.toThrow('the source is gone');
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(readdirSync(directory).filter((name) => name.endsWith('.part'))).toEqual([]);
});

it('removes what a killed writer of the same file has left, and nothing else', async () => {
  const path = join(directory, 'dump');
  const left = join(directory, '.dump.0123456789ab.part');
  const others = ['.dump.0123456789cd.part', '.dump.old.0123456789ab.part', 'dump.part', '.dump.keep'];
  for (const name of [left, ...others.map((other) => join(directory, other))]) writeFileSync(name, 'half');
  const before = new Date(Date.now() - 7_200_000);
  for (const name of [left, ...others.slice(1).map((other) => join(directory, other))])
    utimesSync(name, before, before);
  await streamFileAtomically(path, 0o600, pours('whole', 2));
  const now = readdirSync(directory);
  expect(now).not.toContain('.dump.0123456789ab.part');
  expect(now).toEqual(expect.arrayContaining([...others, 'dump']));
});
