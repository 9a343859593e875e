// External images: their identity, and their download.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import got, { type OptionsInit, RequestError, type Response } from 'got';
import { FerricError, messageOf } from '../../src/domain/errors.js';
import type { Checksum } from '../../src/domain/image/checksum.js';
import { qemuSource } from '../../src/protocol/image-format/qemu-source.js';
import { SourceUnreachableError } from '../error.js';
import { judgedFormat } from '../inspect/disk-format.js';
import { run } from '../process/run.js';
import type { Workshop } from './workshop.js';

/** Retries of an interrupted transfer; in the role, 20 at intervals of five seconds. */
export interface Retries {
  attempts: number;
  /** Milliseconds. */
  pause: number;
}
export const RETRIES: Retries = { attempts: 20, pause: 5_000 };

/** A base image and its source. */
export interface BaseImage {
  url: string;
  /** Expected checksum. */
  checksum?: Checksum | undefined;
}

const TIMEOUT = { connect: 15_000, lookup: 15_000, response: 60_000, socket: 60_000 };
const options = (signal?: AbortSignal): Pick<OptionsInit, 'retry' | 'timeout' | 'signal'> => ({
  retry: { limit: 0 },
  timeout: TIMEOUT,
  ...(signal ? { signal } : {}),
});

/**
 * Identity of a source now: a text that changes when its bytes do.
 * @throws SourceUnreachableError naming the URL
 */
export async function identityOf(url: string, workshop: Workshop): Promise<string> {
  if (url.startsWith('file:')) {
    try {
      return await workshop.sumOf(fileURLToPath(url));
    } catch (error) {
      throw new SourceUnreachableError(`${url}: ${messageOf(error)}`, { cause: error });
    }
  }
  const { headers } = await head(url);
  return ['etag', 'last-modified', 'content-length']
    .map((name) => `${name}=${headers[name] ?? ''}`)
    .join(' ');
}

/** Hash of all files of a directory: names, modes, content; undefined if it does not exist. */
export async function treeHash(directory: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    for (const file of files.sort()) {
      const { mode } = await stat(file);
      hash.update(`${relative(directory, file)}\0${mode}\0`).update(await readFile(file));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return hash.digest('hex');
}

/**
 * Downloads a source to `target` as qcow2. An interrupted transfer is resumed, in this run or the next one.
 * @throws SourceUnreachableError naming the URL; FerricError `image-refused` for a wrong checksum, and for an image
 * that refers to another file
 */
export async function fetchImage(
  base: BaseImage,
  target: string,
  workshop: Workshop,
  signal: AbortSignal,
  progress: (bytes: number) => void,
  retries = RETRIES,
): Promise<void> {
  const { url } = base;
  if (url.startsWith('file:')) {
    await verify(fileURLToPath(url), base, signal);
    return asQcow2(fileURLToPath(url), url, target);
  }
  const identity = await identityOf(url, workshop);
  const part = workshop.ownPath(
    `download-${createHash('sha256').update(`${url}\n${identity}`).digest('hex').slice(0, 16)}.part`,
  );
  await download(url, part, signal, progress, retries);
  try {
    await verify(part, base, signal);
    await asQcow2(part, url, target);
  } finally {
    // Wrong bytes must not be resumed, and correct ones are in the target already.
    if (!signal.aborted) await rm(part, { force: true });
  }
}

async function head(url: string, signal?: AbortSignal): Promise<Pick<Response, 'headers'>> {
  try {
    // These errors are retried: a kept-alive connection that the server has closed is no failure of the server.
    return await got.head(url, {
      ...options(signal),
      retry: { limit: 2, errorCodes: ['ECONNRESET', 'EPIPE'] },
    });
  } catch (error) {
    throw new SourceUnreachableError(`${url} cannot be reached: ${messageOf(error)}`, { cause: error });
  }
}

async function download(
  url: string,
  part: string,
  signal: AbortSignal,
  progress: (bytes: number) => void,
  { attempts, pause }: Retries,
): Promise<void> {
  const { headers } = await head(url, signal);
  const size = headers['content-length'] === undefined ? undefined : Number(headers['content-length']);
  for (let attempt = 1; ; attempt++) {
    let have = await sizeOf(part);
    if (size !== undefined && have >= size) {
      if (have === size && size > 0) return;
      await rm(part, { force: true }); // a part of another file, or of a wrong length
      have = 0;
    }
    try {
      const stream = got.stream(url, {
        ...options(signal),
        headers: have > 0 ? { range: `bytes=${have}-`, ...unchanged(headers) } : {},
      });
      const resumed = await new Promise<boolean>((resolve, reject) => {
        stream.once('response', ({ statusCode }: { statusCode: number }) => resolve(statusCode === 206));
        stream.once('error', reject);
      });
      // A server without range support starts again at the first byte.
      const before = resumed ? have : 0;
      stream.on('downloadProgress', ({ transferred }: { transferred: number }) =>
        progress(before + transferred),
      );
      const flags = resumed ? 'a' : 'w';
      await pipeline(stream, createWriteStream(part, { flags }), { signal });
      const came = await sizeOf(part);
      if (size === undefined || came === size) return;
      throw new Error(`${came} bytes came instead of ${size}`);
    } catch (error) {
      if (signal.aborted) throw error;
      const broken = await sizeOf(part);
      // Only an interrupted transfer is retried; a refusal is final.
      const begun =
        broken > 0 && !(error instanceof RequestError && error.response && error.response.statusCode >= 400);
      if (!begun || attempt >= attempts)
        throw new SourceUnreachableError(
          `${url}: ${messageOf(error)} (${attempt} tries, ${broken} bytes are kept)`,
          {
            cause: error,
          },
        );
      await sleep(pause, undefined, { signal });
    }
  }
}

/** If-Range (RFC 9110 §13.1.5): the rest if the file is the same, else all of it. A weak ETag proves nothing. */
function unchanged(headers: Response['headers']): Record<string, string> {
  const { etag, 'last-modified': modified } = headers;
  const validator = etag !== undefined && !etag.startsWith('W/') ? etag : modified;
  return validator === undefined ? {} : { 'if-range': validator };
}

async function asQcow2(path: string, url: string, target: string): Promise<void> {
  const format = await judgedFormat(path, url);
  if (format === 'qcow2')
    await run('cp', ['--reflink=auto', '--sparse=always', path, target], { timeout: 3_600_000 });
  else {
    const { options, source } = qemuSource(format, resolve(path))!;
    await run('qemu-img', ['convert', ...options, '-O', 'qcow2', source, target], { timeout: 3_600_000 });
  }
}

/** @throws FerricError `image-refused` for a wrong checksum */
async function verify(path: string, { url, checksum }: BaseImage, signal: AbortSignal): Promise<void> {
  if (!checksum) return;
  const hash = createHash(checksum.algorithm);
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash, { signal });
  const found = hash.digest('hex');
  if (found !== checksum.value)
    throw new FerricError(
      'image-refused',
      `${url}: its ${checksum.algorithm} is ${found}, and ferric_checksums says ${checksum.value}`,
    );
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

/** Origins of the http(s) URLs in a script, without its comments. */
export function originsOf(script: string): string[] {
  const lines = script.split('\n').filter((line) => !/^\s*#/.test(line));
  const urls = lines.join('\n').match(/\bhttps?:\/\/[A-Za-z0-9.-]+(:\d+)?/g) ?? [];
  return [...new Set(urls)];
}

/**
 * Checks that servers respond, with whatever status.
 * @throws SourceUnreachableError naming each that does not
 */
export async function checkReachable(origins: readonly string[], what: string): Promise<void> {
  const faults = await Promise.all(
    origins.map(async (origin) => {
      try {
        await got.head(origin, { ...options(), throwHttpErrors: false, followRedirect: false });
        return [];
      } catch (error) {
        return [`${origin}: ${messageOf(error)}`];
      }
    }),
  );
  if (faults.flat().length > 0)
    throw new SourceUnreachableError(
      `${what} names repositories that cannot be reached: ${faults.flat().join('; ')}`,
    );
}
