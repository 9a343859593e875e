import type { FileHandle } from 'node:fs/promises';
import { lengthOf, type Segment } from '../../persistence/published-file/publication.js';
import type { Published } from './manifest.js';
import { openPublished } from './open-file.js';

/** Published content, open for reading of any range, any number of times. */
export interface OpenContent extends Source {
  /** Bytes. */
  size: number;
  /** Strong entity tag, without quotes: differs from that of earlier content under the same name. */
  tag: string;
  /** Milliseconds since the epoch. */
  modified: number;
  type: string;
  close(): Promise<void>;
}

/** The FileHandle methods that the servers use. */
export type Source = Pick<FileHandle, 'read' | 'readv'>;

/** Start time of this process: the modification time of compiled-in texts. */
const BEGAN = Date.now();

const BYTES = 'application/octet-stream';

/** @returns null where there is no such regular file */
export async function openContent(published: Published): Promise<OpenContent | null> {
  switch (published.kind) {
    case 'text': {
      const bytes = Buffer.from(published.text);
      const source = readFrom((into, at) => Promise.resolve(bytes.copy(into, 0, at)));
      const type = 'text/plain; charset=utf-8';
      return {
        ...source,
        size: bytes.length,
        tag: `t-${base36(BEGAN)}`,
        modified: BEGAN,
        type,
        close: nothing,
      };
    }
    case 'generated': {
      const { size, segments, modified, roots } = published;
      const parts = new Parts(segments, roots);
      const tag = `g-${base36(modified)}-${base36(size)}`;
      const source = readFrom((into, at) => parts.read(into, at));
      return { ...source, size, tag, modified, type: BYTES, close: () => parts.close() };
    }
    case 'file':
      return fileContent(published.path, published.roots);
  }
}

async function fileContent(path: string, roots: readonly string[] | null): Promise<OpenContent | null> {
  const file = await openPublished(path, roots);
  if (!file) return null;
  const { handle } = file;
  const { size, mtimeMs, ino } = file.stats;
  return {
    read: handle.read.bind(handle),
    readv: handle.readv.bind(handle),
    size,
    // Replaced files have another inode, changed ones another time or size.
    tag: `${base36(ino)}-${base36(size)}-${base36(Math.round(mtimeMs * 1000))}`,
    modified: mtimeMs,
    type: BYTES,
    close: () => handle.close(),
  };
}

/** Generated content: segments in sequence. The file of a segment is opened when a read first reaches it. */
class Parts {
  readonly #starts: number[] = [];
  readonly #open = new Map<string, Promise<FileHandle>>();

  constructor(
    private readonly segments: readonly Segment[],
    private readonly roots: readonly string[],
  ) {
    let at = 0;
    for (const segment of segments) {
      this.#starts.push(at);
      at += lengthOf(segment);
    }
  }

  /**
   * Fills `into` from position `at`, as far as there is content.
   * @returns number of bytes read
   * @throws Error when a file is gone or became shorter
   */
  async read(into: Uint8Array, at: number): Promise<number> {
    let done = 0;
    for (let index = this.#indexAt(at); index < this.segments.length && done < into.length; index++) {
      const segment = this.segments[index]!;
      const from = at + done - this.#starts[index]!;
      const count = Math.min(lengthOf(segment) - from, into.length - done);
      if (count > 0) await this.#copy(segment, from, into.subarray(done, done + count));
      done += Math.max(count, 0);
    }
    return done;
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#open.values());
    for (const one of opened) if (one.status === 'fulfilled') await one.value.close();
  }

  /** Index of the last segment that begins at or before a position. */
  #indexAt(at: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#starts[middle]! <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  async #copy(segment: Segment, from: number, into: Uint8Array): Promise<void> {
    if ('zeros' in segment) {
      into.fill(0);
      return;
    }
    if ('bytes' in segment) {
      Buffer.from(segment.bytes, 'base64').copy(into, 0, from);
      return;
    }
    const handle = await this.#handle(segment.path);
    for (let done = 0; done < into.length; ) {
      const { bytesRead } = await handle.read(into, done, into.length - done, segment.start + from + done);
      if (bytesRead === 0) throw new Error('a file of generated content became shorter');
      done += bytesRead;
    }
  }

  #handle(path: string): Promise<FileHandle> {
    const opened = this.#open.get(path) ?? openPart(path, this.roots);
    this.#open.set(path, opened);
    return opened;
  }
}

async function openPart(path: string, roots: readonly string[]): Promise<FileHandle> {
  const file = await openPublished(path, roots);
  if (!file) throw new Error('a file of generated content is gone');
  return file.handle;
}

/** Makes the FileHandle methods from a function that fills a buffer from a position. */
function readFrom(fill: (into: Uint8Array, at: number) => Promise<number>): Source {
  const read = async (buffer: Uint8Array, offset: number, length: number, position: number) => {
    const bytesRead = await fill(buffer.subarray(offset, offset + length), position);
    return { bytesRead, buffer };
  };
  const readv = async (buffers: readonly NodeJS.ArrayBufferView[], position?: number | null) => {
    let bytesRead = 0;
    for (const { buffer, byteOffset, byteLength } of buffers) {
      const into = new Uint8Array(buffer, byteOffset, byteLength);
      const count = await fill(into, (position ?? 0) + bytesRead);
      bytesRead += count;
      if (count < byteLength) break;
    }
    return { bytesRead, buffers };
  };
  return { read: read as FileHandle['read'], readv: readv as FileHandle['readv'] };
}

function base36(value: number): string {
  return Math.round(value).toString(36);
}

async function nothing(): Promise<void> {}
