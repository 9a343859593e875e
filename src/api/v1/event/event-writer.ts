import type { ServerResponse } from 'node:http';
import { contained } from '../../../platform/boundary.js';

const BEAT = 15_000;
/** Bytes that may be queued for a slow reader before it is cut off; it resumes by Last-Event-ID. */
const MOST_WAITING = 1_048_576;

/** Writes server-sent events to one client and keeps its connection alive. */
export class EventWriter {
  readonly #beat: NodeJS.Timeout;

  constructor(private readonly response: ServerResponse) {
    response.write(': stream\nretry: 2000\n\n');
    this.#beat = setInterval(
      contained('event stream: beat', () => this.#write(': beat\n\n')),
      BEAT,
    );
    this.#beat.unref();
    const broken = () => this.end();
    response.on('error', contained('event stream: reader', broken, broken));
  }

  event(id: string, type: string, data: unknown): void {
    this.#write(`id: ${id}\nevent: ${type.replaceAll(/[\r\n]/g, ' ')}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Resolves when the client has received what was written, or is gone. */
  async drained(): Promise<void> {
    if (!this.response.writableNeedDrain || this.response.destroyed) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.response.off('drain', done).off('close', done);
        resolve();
      };
      this.response.once('drain', done).once('close', done);
    });
  }

  onClose(closed: () => void): void {
    const gone = () => {
      clearInterval(this.#beat);
      closed();
    };
    if (this.response.destroyed) gone();
    else this.response.once('close', contained('event stream: reader', gone, gone));
  }

  end(): void {
    clearInterval(this.#beat);
    if (!this.response.destroyed) this.response.end();
  }

  #write(text: string): void {
    if (this.response.destroyed || this.response.writableEnded) return;
    if (this.response.writableLength > MOST_WAITING) {
      clearInterval(this.#beat);
      this.response.destroy();
      return;
    }
    this.response.write(text);
  }
}
