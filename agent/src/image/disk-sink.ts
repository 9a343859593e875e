import type { FileHandle } from 'node:fs/promises';
import { writeFully } from '../disk/disk-file.js';
import { imageWrite, messageOf } from '../error.js';
import type { Sink } from './download.js';

const BLOCK = 2 ** 20;
/** Blocks being written before the download has to wait. */
const IN_FLIGHT = 4;

/** Writes a stream to a device in blocks of 1 MiB, while the network is read. */
export class DiskSink implements Sink {
  private block: Buffer = Buffer.allocUnsafeSlow(BLOCK);
  private filled = 0;
  private position = 0;
  private readonly free: Buffer[] = [];
  private readonly pending = new Set<Promise<void>>();
  private failure: Error | undefined;

  constructor(
    private readonly file: FileHandle,
    private readonly device: string,
    /** Bytes from the start of the device. */
    private readonly start = 0,
  ) {}

  async write(chunk: Buffer): Promise<void> {
    for (let taken = 0; taken < chunk.length; ) {
      const copied = chunk.copy(this.block, this.filled, taken);
      taken += copied;
      this.filled += copied;
      if (this.filled === BLOCK) await this.send();
    }
  }

  async restart(): Promise<void> {
    await this.drain();
    this.filled = 0;
    this.position = 0;
  }

  async finish(): Promise<void> {
    if (this.filled > 0) await this.send();
    await this.drain();
    // fsync reports errors of the medium: they must fail this command, not the next boot.
    await this.file.sync().catch((error: unknown) => this.fail(error));
    if (this.failure) throw this.failure;
  }

  private async send(): Promise<void> {
    const block = this.block;
    const length = this.filled;
    const written: Promise<void> = writeFully(
      this.file,
      block.subarray(0, length),
      this.start + this.position,
    )
      .catch((error: unknown) => this.fail(error))
      .finally(() => {
        this.pending.delete(written);
        this.free.push(block);
      });
    this.pending.add(written);
    this.position += length;
    this.filled = 0;
    if (this.pending.size >= IN_FLIGHT) await Promise.race(this.pending);
    if (this.failure) throw this.failure;
    this.block = this.free.pop() ?? Buffer.allocUnsafeSlow(BLOCK);
  }

  private async drain(): Promise<void> {
    await Promise.all(this.pending);
    if (this.failure) throw this.failure;
  }

  private fail(error: unknown): void {
    this.failure ??= imageWrite(this.device, messageOf(error), { cause: error });
  }
}
