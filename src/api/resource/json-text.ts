/** Characters collected before they are encoded. */
const CHUNK = 32_768;
/** Bytes of the first buffer; it doubles as a listing grows. */
const FIRST = 65_536;
/** Number of buffers kept for later listings, and bytes of the largest of them. */
const KEPT = 4;
const LARGEST = 8 * 2 ** 20;

/** Allocation outside the heap triggers full collections in V8: listings reuse buffers. */
const spare: Buffer[] = [];

/** An answer's body that is JSON text already; the listener sends it unchanged. */
export class JsonText {
  /** @param from buffer to reuse once this body was sent; null: none */
  constructor(
    readonly bytes: Buffer,
    private readonly from: Buffer | null = null,
  ) {}

  /** Called once the bytes were sent: nothing reads them any more. */
  sent(): void {
    if (this.from && spare.length < KEPT && this.from.length <= LARGEST) spare.push(this.from);
  }
}

/**
 * Collects the text of a listing while its rows arrive. Text leaves the heap in chunks, so that a long listing costs
 * the garbage collector no more than a short one.
 */
export class ListText {
  #buffer = spare.pop() ?? Buffer.allocUnsafeSlow(FIRST);
  #filled = 0;
  #open: string;
  #length = 0;
  /** Items whose text is known at the end only, by their byte position. */
  readonly #late: { at: number; item: () => string }[] = [];

  /** @param collection key of the list in the answer */
  constructor(collection: string) {
    this.#open = `{${JSON.stringify(collection)}:[`;
  }

  get length(): number {
    return this.#length;
  }

  /** @param item its text, or a function that returns it at the end */
  add(item: string | (() => string)): void {
    if (this.#length > 0) this.#open += ',';
    this.#length += 1;
    if (typeof item === 'string') this.#open += item;
    if (typeof item !== 'string' || this.#open.length > CHUNK) this.#write();
    if (typeof item !== 'string') this.#late.push({ at: this.#filled, item });
  }

  /** @param next address of the next page; null: none */
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
    // A UTF-16 unit takes at most three bytes of UTF-8.
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
