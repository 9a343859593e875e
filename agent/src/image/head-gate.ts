import { SECTOR_EVIDENCE_BYTES } from '../../../src/protocol/image-format/sector-size.js';
import type { Sink } from './download.js';

/** Holds the first bytes of a stream back until `look` has accepted them. */
export class HeadGate implements Sink {
  private held: Buffer[] = [];
  private length = 0;
  private passing = false;

  /** @param look called once, even over restarts; an error ends the transfer */
  constructor(
    private readonly sink: Sink,
    private readonly look: (head: Buffer) => Promise<void>,
  ) {}

  /** Whether bytes may have passed. */
  get opened(): boolean {
    return this.passing;
  }

  async write(chunk: Buffer): Promise<void> {
    if (this.passing) return this.sink.write(chunk);
    this.held.push(chunk);
    this.length += chunk.length;
    if (this.length >= SECTOR_EVIDENCE_BYTES) await this.open();
  }

  async restart(): Promise<void> {
    this.held = [];
    this.length = 0;
    if (this.passing) await this.sink.restart();
  }

  async finish(): Promise<void> {
    // The image is shorter than the head.
    if (!this.passing) await this.open();
    await this.sink.finish();
  }

  private async open(): Promise<void> {
    const { held } = this;
    await this.look(Buffer.concat(held).subarray(0, SECTOR_EVIDENCE_BYTES));
    this.passing = true;
    this.held = [];
    for (const chunk of held) await this.sink.write(chunk);
  }
}
