import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CancelledError } from '../../src/domain/errors.js';
import { makeDirectory } from './directory.js';
import type { Scratch } from './scratch.js';

export interface PublishedFile {
  path: string;
  /** Bytes. */
  size: number;
  /** In hexadecimal. */
  sha256: string;
}

/** Gives files their final names once all are complete and synced; until then they are partial. */
export async function publish(
  scratch: Scratch,
  files: Readonly<Record<string, string>>,
  sums: string,
  signal: AbortSignal,
): Promise<PublishedFile[]> {
  const published: PublishedFile[] = [];
  const waiting: { part: string; target: string }[] = [];
  const place = async (target: string, fill: (part: string) => Promise<void>) => {
    if (signal.aborted) throw new CancelledError();
    makeDirectory(dirname(target));
    const part = `${target}.part-${process.pid}`;
    scratch.partial(part);
    await fill(part);
    const file = await open(part, 'r+');
    await file.sync();
    await file.close();
    waiting.push({ part, target });
    return part;
  };
  for (const [name, source] of Object.entries(files)) {
    const target = resolve(name);
    const part = await place(target, (path) => moveFile(source, path));
    published.push({ path: target, size: (await stat(part)).size, sha256: await sha256Of(part, signal) });
  }
  const lines = published.map(({ path, sha256 }) => `${sha256}  ${basename(path)}\n`);
  await place(resolve(sums), (path) => writeFile(path, lines.join('')));
  if (signal.aborted) throw new CancelledError();
  for (const { part, target } of waiting) {
    await rename(part, target);
    scratch.whole(part);
  }
  return published;
}

async function moveFile(source: string, target: string): Promise<void> {
  try {
    await rename(source, target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    await copyFile(source, target); // the target is on another file system
    await rm(source);
  }
}

/** @throws the signal's reason when it fires */
export async function sha256Of(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(
    createReadStream(path, { highWaterMark: 1024 * 1024 }),
    hash,
    ...(signal ? [{ signal }] : []),
  );
  return hash.digest('hex');
}
