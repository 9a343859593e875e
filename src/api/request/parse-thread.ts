import { InvalidError } from '../../domain/errors.js';
import { RequestThread } from '../../platform/request-thread.js';
import { type BodyScan, parseScanned } from './body.js';

/** Bytes from which a body is parsed in a thread: 16 MiB of text would block the event loop for a tenth of a second. */
const LARGE = 256 * 1024;

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
  readonly #thread = new RequestThread<ParseRequest, ParseReply>(
    new URL('./parse-worker.js', import.meta.url),
    'bodies: thread',
    'parses bodies',
  );

  /** @throws InvalidError as `parseScanned`, FerricError when the thread ended */
  async parse(
    parts: readonly Buffer[],
    { hasLongNumber }: Pick<BodyScan, 'hasLongNumber'>,
    mayRound: boolean,
  ): Promise<unknown> {
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    if (size < LARGE) return parseScanned(Buffer.concat(parts), { hasLongNumber }, mayRound);
    // Not from Node's pool, which other buffers share: this buffer is transferred to the thread.
    const bytes = new Uint8Array(new ArrayBuffer(size));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    const request = { bytes: bytes.buffer, hasLongNumber, mayRound };
    const { value, invalid } = await this.#thread.ask(request, [bytes.buffer]);
    if (invalid !== undefined) throw new InvalidError(invalid);
    return value;
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}
