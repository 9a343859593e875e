import type { FileHandle } from 'node:fs/promises';
import { detached } from '../../platform/boundary.js';
import { putDataHeader } from '../../protocol/tftp/packet.js';

/** The most parts that one readv takes on Linux is 1024 (IOV_MAX). */
const BLOCKS_PER_CHUNK = 128;
const HEADER = 4;

interface Chunk {
  first: number;
  /** Whole packets, one after another, each in a slot of header and block. */
  packets: Uint8Array;
}

/** What blocks are read from: a file, or bytes in memory. */
export type BlockSource = Pick<FileHandle, 'readv'>;

/**
 * DATA packets of a file, ready to send. Chunks are read straight into their places behind the headers, one ahead of
 * the transfer, each into memory of its own: a packet that the kernel has not taken yet is never written over.
 */
export class BlockReader {
  readonly #last: number;
  readonly #chunks = new Map<number, Chunk>();
  readonly #reading = new Map<number, Promise<void>>();
  #failure: Error | null = null;

  constructor(
    private readonly source: BlockSource,
    private readonly size: number,
    private readonly blksize: number,
  ) {
    this.#last = Math.floor(size / blksize) + 1;
  }

  /**
   * The packet of a block, or null while it is being read.
   * @param block from 1, without roll-over
   * @throws Error when the file could not be read or has become shorter
   */
  packet(block: number): Uint8Array | null {
    if (this.#failure) throw this.#failure;
    const index = chunkOf(block);
    const chunk = this.#chunks.get(index);
    if (!chunk) return null;
    const slot = HEADER + this.blksize;
    const at = (block - chunk.first) * slot;
    return chunk.packets.subarray(at, block === this.#last ? at + HEADER + this.#lengthOf(block) : at + slot);
  }

  /** Reads the chunks of these blocks, and begins with the one after them. Resolves when they can be had. */
  async load(first: number, last: number): Promise<void> {
    for (const index of this.#chunks.keys()) if (index < chunkOf(first)) this.#chunks.delete(index);
    const wanted: Promise<void>[] = [];
    for (let index = chunkOf(first); index <= chunkOf(last); index++) wanted.push(this.#read(index));
    await Promise.all(wanted);
    this.prefetch(last);
  }

  /** Begins to read what follows a block, if it is not there yet. */
  prefetch(block: number): void {
    const next = chunkOf(block) + 1;
    if (next <= chunkOf(this.#last)) detached('TFTP: file', this.#read(next));
  }

  /** Drops what lies before a block: the client has it. */
  forget(block: number): void {
    const index = chunkOf(block) - 1;
    if (index >= 0) this.#chunks.delete(index);
  }

  /** Waits for what is being read, so that the file can be closed. */
  async settle(): Promise<void> {
    await Promise.all(this.#reading.values());
  }

  #lengthOf(block: number): number {
    return Math.max(0, Math.min(this.blksize, this.size - (block - 1) * this.blksize));
  }

  #read(index: number): Promise<void> {
    if (this.#chunks.has(index) || this.#failure) return Promise.resolve();
    const running = this.#reading.get(index);
    if (running) return running;
    const reading = this.#fill(index)
      .catch((error: Error) => {
        this.#failure = error;
      })
      .finally(() => this.#reading.delete(index));
    this.#reading.set(index, reading);
    return reading;
  }

  async #fill(index: number): Promise<void> {
    const first = index * BLOCKS_PER_CHUNK + 1;
    const count = Math.min(BLOCKS_PER_CHUNK, this.#last - first + 1);
    const slot = HEADER + this.blksize;
    const packets = Buffer.allocUnsafeSlow(count * slot);
    const views: Uint8Array[] = [];
    let length = 0;
    for (let i = 0; i < count; i++) {
      putDataHeader(packets, i * slot, first + i);
      const part = this.#lengthOf(first + i);
      if (part > 0) views.push(packets.subarray(i * slot + HEADER, i * slot + HEADER + part));
      length += part;
    }
    if (length > 0) {
      const { bytesRead } = await this.source.readv(views, (first - 1) * this.blksize);
      if (bytesRead !== length) throw new Error('the file became shorter');
    }
    this.#chunks.set(index, { first, packets });
  }
}

function chunkOf(block: number): number {
  return Math.floor((block - 1) / BLOCKS_PER_CHUNK);
}
