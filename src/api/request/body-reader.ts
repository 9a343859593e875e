import type { IncomingMessage } from 'node:http';
import { UnavailableError } from '../../domain/errors.js';
import { Places } from '../../domain/network/source.js';
import { LoopShare } from '../../platform/loop-share.js';
import { BodyScan } from './body.js';

export interface BodyBudget {
  /** Bytes that all running bodies may hold in memory, and those of one client. */
  total: number;
  perClient: number;
}

/** Bytes from which a body is parsed in a thread: 16 MiB of text would block the event loop for a tenth of a second. */
export const LARGE_BODY = 256 * 1024;
/** ms for a byte that Node.js reads from a socket, into memory that it then has to free: measured, 64 KiB in 0.5 ms. */
const READ = 0.5 / 65_536;

/**
 * Reads bodies while there is room for their bytes. Each piece is scanned as it arrives: a body that is nested too
 * deeply or has too many values is refused before it is parsed.
 */
export class BodyReader {
  readonly #held: Places;
  /** Shared by all bodies: many small pieces together would block the event loop. */
  readonly #share = new LoopShare();

  constructor({ total, perClient }: BodyBudget) {
    this.#held = new Places({ total, perSource: perClient });
  }

  /**
   * @param most bytes of this body
   * @param make parses the bytes, which count as held until then; those of a large body fill their ArrayBuffer
   * @throws BodyRefused, UnavailableError where other bodies occupy all room, Error of status 413
   */
  async read<T>(
    payload: IncomingMessage,
    client: string,
    most: number,
    make: (bytes: Buffer<ArrayBuffer>, scan: BodyScan) => Promise<T>,
  ): Promise<T> {
    if (Number(payload.headers['content-length'] ?? 0) > most) throw tooLarge();
    const scan = new BodyScan();
    const parts: Buffer[] = [];
    let size = 0;
    try {
      // A refusal is answered, so the connection must stay open.
      for await (const part of payload.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        size += part.length;
        if (size > most) throw tooLarge();
        this.#take(client, part.length);
        parts.push(part);
        await this.#share.take(() => scan.push(part), part.length * READ);
      }
      return await make(await this.#joined(parts, size), scan);
    } catch (error) {
      // A client that disconnected gets no answer, and nothing failed here.
      if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
      throw Object.assign(new Error('cut off', { cause: error }), { statusCode: 400 });
    } finally {
      this.#held.giveBack(
        client,
        parts.reduce((sum, part) => sum + part.length, 0),
      );
    }
  }

  /** Piece by piece: 16 MiB at once would block the event loop. */
  async #joined(parts: readonly Buffer[], size: number): Promise<Buffer<ArrayBuffer>> {
    if (size < LARGE_BODY) return Buffer.concat(parts);
    // Not from Node's pool, which other buffers share: this one can be transferred to a thread.
    const whole = Buffer.from(new ArrayBuffer(size));
    let at = 0;
    for (const part of parts) {
      await this.#share.take(() => part.copy(whole, at));
      at += part.length;
    }
    return whole;
  }

  #take(client: string, bytes: number): void {
    if (!this.#held.take(client, bytes))
      throw new UnavailableError('Too many request bodies are being read just now. Please try again.');
  }
}

function tooLarge(): Error {
  return Object.assign(new Error('too large'), { statusCode: 413 });
}
