import { InvalidError } from '../../domain/errors.js';
import { Semaphore } from '../../platform/mutex.js';
import { RequestThread } from '../../platform/request-thread.js';
import { type BodyScan, parseScanned } from './body.js';
import { LARGE_BODY } from './body-reader.js';

export interface ParseRequest {
  bytes: ArrayBuffer;
  hasLongNumber: boolean;
  mayRound: boolean;
}
export interface ParseReply {
  value?: unknown;
  /** Why the body is refused. */
  invalid?: string;
}

/** Parses the bytes of a body: few at once, many in a thread, one body at a time. */
export class ParseThread {
  /** One reply at a time: the event loop takes over the values of all that have come in one turn, and copies each. */
  readonly #turns = new Semaphore(1);
  readonly #thread = new RequestThread<ParseRequest, ParseReply>(
    new URL('./parse-worker.js', import.meta.url),
    'bodies: thread',
    'parses bodies',
  );

  /**
   * @param bytes those of a large body fill their ArrayBuffer, which is transferred
   * @throws InvalidError as `parseScanned`, FerricError when the thread ended
   */
  async parse(
    bytes: Buffer<ArrayBuffer>,
    { hasLongNumber }: Pick<BodyScan, 'hasLongNumber'>,
    mayRound: boolean,
  ): Promise<unknown> {
    if (bytes.length < LARGE_BODY) return parseScanned(bytes, { hasLongNumber }, mayRound);
    const request = { bytes: bytes.buffer, hasLongNumber, mayRound };
    const { value, invalid } = await this.#turns.run(null, () => this.#thread.ask(request, [bytes.buffer]));
    if (invalid !== undefined) throw new InvalidError(invalid);
    return value;
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}
