import type { FileHandle } from 'node:fs/promises';
import { detached } from '../../platform/boundary.js';
import { putDataHeader } from '../../protocol/tftp/packet.js';

/** Linux takes at most 1024 buffers in one readv (IOV_MAX). */
const BLOCKS_PER_CHUNK = 128;
const HEADER = 4;

interface Chunk {
  first: number;
  /** Whole packets in sequence, each in a slot for header and block. */
  packets: Uint8Array;
}

/** Source of the blocks: a file, or bytes in memory. */
export type BlockSource = Pick<FileHandle, 'readv'>;

/**
 * DATA packets of a file, ready to send. Each chunk is read directly behind the packet headers, one chunk ahead of the
 * transfer, into memory of its own: a packet that the kernel has not sent yet is never overwritten.
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
   * @throws Error when the file could not be read or became shorter
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

  /** Reads the chunks of these blocks and starts reading the next one. Resolves when the blocks are available. */
  async load(first: number, last: number): Promise<void> {
    for (const index of this.#chunks.keys()) if (index < chunkOf(first)) this.#chunks.delete(index);
    const wanted: Promise<void>[] = [];
    for (let index = chunkOf(first); index <= chunkOf(last); index++) wanted.push(this.#read(index));
    await Promise.all(wanted);
    this.prefetch(last);
  }

  /** Starts reading the chunk after a block's, if it is not loaded. */
  prefetch(block: number): void {
    const next = chunkOf(block) + 1;
    if (next <= chunkOf(this.#last)) detached('TFTP: file', this.#read(next));
  }

  /** Drops the chunk before the block's: the client has it. */
  forget(block: number): void {
    const index = chunkOf(block) - 1;
    if (index >= 0) this.#chunks.delete(index);
  }

  /** Waits for running reads, so that the file can be closed. */
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
