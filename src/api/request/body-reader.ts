import type { IncomingMessage } from 'node:http';
import { UnavailableError } from '../../domain/errors.js';
import { PerSource } from '../../domain/network/source.js';
import { LoopShare } from '../../platform/loop-share.js';
import { BodyScan } from './body.js';

export interface BodyBudget {
  /** Bytes that bodies under way may hold together, and those of one source. */
  total: number;
  perClient: number;
}

/**
 * Reads bodies, so many bytes at once as there is room for. Each piece is looked through as it comes: what is nested too
 * deeply or has too many values is refused before anything is made of it.
 */
export class BodyReader {
  #held = 0;
  readonly #perClient = new PerSource();
  /** Of all bodies together: many small pieces make a long turn. */
  readonly #share = new LoopShare();

  constructor(private readonly budget: BodyBudget) {}

  /**
   * @param most bytes of this body
   * @param make what is to be made of the pieces, which count as held until then
   * @throws BodyRefused, UnavailableError where others' bodies take all the room, Error of status 413
   */
  async read<T>(
    payload: IncomingMessage,
    client: string,
    most: number,
    make: (parts: readonly Buffer[], scan: BodyScan) => Promise<T>,
  ): Promise<T> {
    if (Number(payload.headers['content-length'] ?? 0) > most) throw tooLarge();
    const scan = new BodyScan();
    const parts: Buffer[] = [];
    let size = 0;
    try {
      // A refusal is answered: the connection must outlive it.
      for await (const part of payload.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        size += part.length;
        if (size > most) throw tooLarge();
        this.#take(client, part.length);
        parts.push(part);
        await this.#share.take(() => scan.push(part));
      }
      return await make(parts, scan);
    } catch (error) {
      // Who hung up hears no answer, and it is no fault of ours.
      if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
      throw Object.assign(new Error('cut off', { cause: error }), { statusCode: 400 });
    } finally {
      this.#giveBack(client, parts);
    }
  }

  #take(client: string, bytes: number): void {
    const own = this.#perClient.of(client) + bytes;
    if (this.#held + bytes > this.budget.total || own > this.budget.perClient) {
      throw new UnavailableError('Too many request bodies are being read just now. Please try again.');
    }
    this.#held += bytes;
    this.#perClient.add(client, bytes);
  }

  #giveBack(client: string, parts: readonly Buffer[]): void {
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    this.#held -= bytes;
    this.#perClient.giveBack(client, bytes);
  }
}

function tooLarge(): Error {
  return Object.assign(new Error('too large'), { statusCode: 413 });
}
