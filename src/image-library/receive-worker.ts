// One lane: writes or hashes the received bytes, of many images at a time, each in order.

import { createHash, type Hash } from 'node:crypto';
import { closeSync, fdatasync, fdatasyncSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { messageOf } from '../domain/errors.js';
import { writeAll } from '../image/fetch/copy-file.js';
import { workerPort } from '../platform/worker-port.js';
import { createInspector, type ImageInspector } from '../protocol/image-format/inspect.js';
import type { FromLane, LaneJob, LaneResult, ToLane } from './receive-job.js';

/** Bytes after which fdatasync starts, so that little is left to flush at the end. */
const FLUSH_EVERY = 64 << 20;
const PIECE = 1 << 20;

class Lane {
  readonly #hashes: [string, Hash][];
  readonly #inspector: ImageInspector | undefined;
  readonly #fd: number;
  readonly #slots: Uint8Array;
  #at = 0;
  #flushed = 0;
  #flushing = false;

  constructor(private readonly job: LaneJob) {
    this.#hashes = job.algorithms.map((name) => [name, createHash(name)]);
    this.#inspector = job.inspects ? createInspector() : undefined;
    this.#slots = new Uint8Array(job.slots);
    // Only the writer creates the file; the other lanes open it where there are bytes to read.
    this.#fd = job.writes
      ? openSync(job.path, job.offset > 0 ? 'r+' : 'w+', 0o600)
      : job.offset > 0
        ? openSync(job.path, 'r')
        : -1;
  }

  async begin(): Promise<void> {
    const looks = this.#hashes.length > 0 || this.#inspector !== undefined;
    if (!looks) this.#at = this.job.offset;
    const piece = Buffer.allocUnsafe(PIECE);
    while (this.#at < this.job.offset) {
      const read = readSync(this.#fd, piece, 0, Math.min(PIECE, this.job.offset - this.#at), this.#at);
      if (read === 0) throw new Error('the file is shorter than the upload has come');
      this.#see(piece.subarray(0, read));
      await nextTurn();
    }
    if (this.job.writes) ftruncateSync(this.#fd, this.job.offset);
  }

  take(slot: number, length: number): void {
    const from = slot * this.job.slotBytes;
    const bytes = this.#slots.subarray(from, from + length);
    if (this.job.writes) writeAll(this.#fd, bytes, this.#at);
    this.#see(bytes);
    if (this.job.writes && this.#at - this.#flushed >= FLUSH_EVERY && !this.#flushing) this.#flush();
  }

  finish(): LaneResult {
    if (this.job.writes) fdatasyncSync(this.#fd);
    const digests = Object.fromEntries(this.#hashes.map(([name, hash]) => [name, hash.digest('hex')]));
    return { digests, ...(this.#inspector ? { inspection: this.#inspector.result() } : {}) };
  }

  /** Also called for an upload that may be resumed: received bytes stay in the file. */
  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
  }

  #see(bytes: Uint8Array): void {
    for (const [, hash] of this.#hashes) hash.update(bytes);
    this.#inspector?.push(bytes);
    this.#at += bytes.length;
  }

  #flush(): void {
    this.#flushing = true;
    this.#flushed = this.#at;
    // An error occurs again at the final sync, and is reported there.
    fdatasync(this.#fd, () => (this.#flushing = false));
  }
}

const { hear, post } = workerPort<ToLane, FromLane>();
const lanes = new Map<number, { lane: Lane | undefined; turn: Promise<void> }>();

hear((message) => {
  const { id } = message;
  const entry = lanes.get(id) ?? { lane: undefined, turn: Promise.resolve() };
  lanes.set(id, entry);
  entry.turn = entry.turn.then(() => act(entry, message)).catch((error: unknown) => fail(entry, id, error));
});

async function act(entry: { lane: Lane | undefined }, message: ToLane): Promise<void> {
  const { id } = message;
  if ('open' in message) {
    entry.lane = new Lane(message.open);
    await entry.lane.begin();
  } else if ('slot' in message) {
    entry.lane?.take(message.slot, message.length);
    post({ id, free: message.slot });
  } else if ('finish' in message) {
    if (!entry.lane) return;
    const result = entry.lane.finish();
    forget(entry, id);
    post({ id, result });
  } else {
    forget(entry, id);
    post({ id, dropped: true });
  }
}

function forget(entry: { lane: Lane | undefined }, id: number): void {
  lanes.delete(id);
  entry.lane?.close();
  entry.lane = undefined;
}

function fail(entry: { lane: Lane | undefined }, id: number, error: unknown): void {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const full = ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code);
  entry.lane?.close();
  entry.lane = undefined;
  post({
    id,
    fault: full
      ? { code: 'too-large', message: 'Image storage media is full: the image has no room in the store.' }
      : { code: 'internal', message: `The image could not be written: ${messageOf(error)}` },
  });
}
