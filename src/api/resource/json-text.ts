/** Characters that are gathered before they become bytes. */
const CHUNK = 32_768;
/** Bytes of a first buffer; it doubles as a listing grows. */
const FIRST = 65_536;
/** Buffers kept for the next listings, and bytes of the largest of them. */
const KEPT = 4;
const LARGEST = 8 * 2 ** 20;

/** Memory beside the heap makes V8 collect the whole heap ever and again: listings use each other's. */
const spare: Buffer[] = [];

/** The body of an answer that is JSON text already; the listener sends it as it is. */
export class JsonText {
  /** @param from what to lend to the next listing once this one was sent; null: nothing */
  constructor(
    readonly bytes: Buffer,
    private readonly from: Buffer | null = null,
  ) {}

  /** The bytes were sent: nobody looks at them any more. */
  sent(): void {
    if (this.from && spare.length < KEPT && this.from.length <= LARGEST) spare.push(this.from);
  }
}

/**
 * The text of a listing while its rows come in. What is gathered leaves the heap in pieces, so that a long listing
 * costs the garbage collector no more than a short one.
 */
export class ListText {
  #buffer = spare.pop() ?? Buffer.allocUnsafeSlow(FIRST);
  #filled = 0;
  #open: string;
  #length = 0;
  /** Items whose text comes at the end, by the byte that they stand before. */
  readonly #late: { at: number; item: () => string }[] = [];

  /** @param collection key of the answer */
  constructor(collection: string) {
    this.#open = `{${JSON.stringify(collection)}:[`;
  }

  get length(): number {
    return this.#length;
  }

  /** @param item its text, or what will give it at the end */
  add(item: string | (() => string)): void {
    if (this.#length > 0) this.#open += ',';
    this.#length += 1;
    if (typeof item === 'string') this.#open += item;
    if (typeof item !== 'string' || this.#open.length > CHUNK) this.#write();
    if (typeof item !== 'string') this.#late.push({ at: this.#filled, item });
  }

  /** @param next address of the next page; null: there is none */
  end(next: string | null): JsonText {
    this.#open += next === null ? ']}' : `],"next":${JSON.stringify(next)}}`;
    this.#write();
    if (this.#late.length === 0) return new JsonText(this.#buffer.subarray(0, this.#filled), this.#buffer);
    let from = 0;
    const pieces = this.#late.flatMap(({ at, item }) => {
      const before = this.#buffer.subarray(from, at);
      from = at;
      return [before, Buffer.from(item())];
    });
    return new JsonText(Buffer.concat([...pieces, this.#buffer.subarray(from, this.#filled)]));
  }

  #write(): void {
    // A character has three bytes of UTF-8 at the most.
    const most = this.#filled + this.#open.length * 3;
    if (most > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(most, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, this.#filled);
      this.#buffer = larger;
    }
    this.#filled += this.#buffer.write(this.#open, this.#filled);
    this.#open = '';
  }
}
