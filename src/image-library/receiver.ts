import { CancelledError, FerricError } from '../domain/errors.js';
import { contained, detached } from '../platform/boundary.js';
import { WorkerThread } from '../platform/worker-thread.js';
import type { Inspection } from '../protocol/image-format/inspection.js';
import type { FromLane, LaneJob, LaneResult, ToLane } from './receive-job.js';

/** Three lanes of similar duration: one slow digest for each core. The writer comes first. */
const LANES: readonly Pick<LaneJob, 'writes' | 'algorithms' | 'inspects'>[] = [
  { writes: true, algorithms: ['sha256'], inspects: true },
  { writes: false, algorithms: ['sha512'], inspects: false },
  { writes: false, algorithms: ['md5'], inspects: false },
];
const SLOTS = 32;
const SLOT_BYTES = 512 * 1024;
/** Milliseconds after which idle threads are ended. */
const IDLE = 30_000;

export interface Received {
  /** Bytes of the whole file. */
  size: number;
  /** md5, sha256 and sha512, lower-case hex. */
  digests: Record<string, string>;
  inspection: Inspection;
}

const UNSEEN: Inspection = {
  format: undefined,
  matches: [],
  faults: [],
  virtualSize: undefined,
  partitionTable: undefined,
  compression: undefined,
};

type LaneThread = WorkerThread<ToLane, FromLane>;

interface Upload {
  /** Number of lanes that still read a slot, by slot. */
  busy: Uint8Array;
  wake: () => void;
  results: LaneResult[];
  fault: FerricError | undefined;
  settled: number;
}

/**
 * Writes a stream into a file; threads hash and inspect it on the way. The event loop only copies the bytes into memory
 * shared with the threads. A stream that is faster than the disk waits.
 */
export class Receiver {
  #threads: LaneThread[] = [];
  readonly #uploads = new Map<number, Upload>();
  #nextId = 1;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;

  /**
   * @param offset bytes already in the file
   * @param whole false: more will come later, and nothing is hashed or inspected yet
   * @param onChunk is called with each chunk before it is stored; an error ends the upload
   * @throws FerricError too-large on a full disk; errors of the stream. The file keeps the bytes received so far
   */
  async receive(
    source: AsyncIterable<Uint8Array>,
    path: string,
    options: { offset: number; whole: boolean; onChunk: (chunk: Uint8Array, size: number) => void },
  ): Promise<Received> {
    if (this.#closed) throw new CancelledError('The upload was cancelled.');
    const id = this.#nextId++;
    const slots = new SharedArrayBuffer(SLOTS * SLOT_BYTES);
    const upload: Upload = {
      busy: new Uint8Array(SLOTS),
      wake: () => undefined,
      results: [],
      fault: undefined,
      settled: 0,
    };
    this.#uploads.set(id, upload);
    try {
      for (const [index, lane] of LANES.entries()) {
        const looks = options.whole ? lane : { ...lane, algorithms: [], inspects: false };
        const job: LaneJob = { ...looks, path, offset: options.offset, slots, slotBytes: SLOT_BYTES };
        // The writer first: the others may read the file that it makes.
        this.#thread(index).post({ id, open: job });
      }
      const size = await this.#pass(source, id, upload, new Uint8Array(slots), options);
      this.#send({ id, finish: true });
      await this.#until(upload, () => upload.results.length === LANES.length);
      const digests = Object.assign({}, ...upload.results.map((result) => result.digests)) as Record<
        string,
        string
      >;
      const inspection = upload.results.find((result) => result.inspection)?.inspection ?? UNSEEN;
      return { size, digests, inspection };
    } catch (error) {
      if (this.#closed) throw error;
      this.#send({ id, drop: true });
      // No thread may touch the file after this.
      upload.fault = undefined;
      upload.settled = 0;
      await this.#until(upload, () => upload.settled === LANES.length);
      throw error;
    } finally {
      this.#uploads.delete(id);
      if (this.#uploads.size === 0) this.#rest();
    }
  }

  /** Ends the threads; running uploads fail. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#idle);
    for (const upload of this.#uploads.values())
      this.#fail(upload, new CancelledError('The upload was cancelled.'));
    await Promise.all(this.#threads.splice(0).map((thread) => thread.end()));
  }

  async #pass(
    source: AsyncIterable<Uint8Array>,
    id: number,
    upload: Upload,
    memory: Uint8Array,
    { offset, onChunk }: { offset: number; onChunk: (chunk: Uint8Array, size: number) => void },
  ): Promise<number> {
    let size = offset;
    let slot = 0;
    let filled = 0;
    const hand = async () => {
      upload.busy[slot] = LANES.length;
      this.#send({ id, slot, length: filled });
      slot = (slot + 1) % SLOTS;
      filled = 0;
      const next = slot;
      if (upload.busy[next]! > 0) await this.#until(upload, () => upload.busy[next] === 0);
    };
    for await (const chunk of source) {
      if (upload.fault) throw upload.fault;
      size += chunk.length;
      onChunk(chunk, size);
      for (let at = 0; at < chunk.length; ) {
        const part = chunk.subarray(at, at + SLOT_BYTES - filled);
        memory.set(part, slot * SLOT_BYTES + filled);
        filled += part.length;
        at += part.length;
        if (filled === SLOT_BYTES) await hand();
      }
    }
    if (filled > 0) await hand();
    return size;
  }

  async #until(upload: Upload, isSo: () => boolean): Promise<void> {
    for (;;) {
      if (upload.fault) throw upload.fault;
      if (isSo()) return;
      await new Promise<void>((resolve) => (upload.wake = resolve));
    }
  }

  #send(message: ToLane): void {
    for (const [index] of LANES.entries()) this.#thread(index).post(message);
  }

  #thread(index: number): LaneThread {
    clearTimeout(this.#idle);
    if (this.#threads.length === 0) this.#threads = LANES.map(() => this.#start());
    const thread = this.#threads[index]!;
    thread.ref();
    return thread;
  }

  #start(): LaneThread {
    const thread: LaneThread = new WorkerThread(
      new URL('./receive-worker.js', import.meta.url),
      'image store: thread',
      'stores images',
      {
        message: (message) => this.#hear(message),
        death: (error) => {
          const others = this.#threads.splice(0).filter((other) => other !== thread);
          for (const upload of this.#uploads.values()) this.#fail(upload, error);
          for (const other of others) detached('image store: thread', other.end());
        },
      },
    );
    return thread;
  }

  #hear(message: FromLane): void {
    const upload = this.#uploads.get(message.id);
    if (!upload) return;
    if ('free' in message) upload.busy[message.free]!--;
    else if ('result' in message) upload.results.push(message.result);
    else if ('dropped' in message) upload.settled++;
    else upload.fault = new FerricError(message.fault.code, message.fault.message);
    upload.wake();
  }

  /** The threads have ended: no result will arrive. */
  #fail(upload: Upload, fault: FerricError): void {
    upload.fault = fault;
    upload.settled = LANES.length;
    upload.wake();
  }

  #rest(): void {
    for (const thread of this.#threads) thread.unref();
    const end = () => {
      for (const thread of this.#threads.splice(0)) detached('image store: thread', thread.end());
    };
    this.#idle = setTimeout(contained('image store: thread', end, end), IDLE).unref();
  }
}
