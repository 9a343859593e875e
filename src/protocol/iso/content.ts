/** Bytes that are read on demand, such as a file's. */
export interface StreamedContent {
  /** Bytes. */
  readonly size: number;
  /** The bytes from `start` to `end` (exclusive), in chunks of any size. */
  read(start: number, end: number): AsyncIterable<Uint8Array>;
}

export type Content = Uint8Array | StreamedContent;

export function sizeOf(content: Content): number {
  return content instanceof Uint8Array ? content.length : content.size;
}

/** A part of an image; zeros fill the space between parts. */
export interface Piece {
  /** Offset of its first byte in the image. */
  at: number;
  content: Content;
}

/** Zeros are returned in blocks of at most this size. */
const ZEROS = new Uint8Array(64 * 1024);

/** An image that is never whole in memory: ordered parts with zeros between them. */
export class PiecedImage implements StreamedContent {
  /** In ascending order of `at`. */
  readonly pieces: readonly Piece[];

  /** @throws RangeError for parts that overlap, or exceed the image */
  constructor(
    /** Bytes. */
    readonly size: number,
    pieces: readonly Piece[],
  ) {
    this.pieces = pieces.filter(({ content }) => sizeOf(content) > 0).sort((one, other) => one.at - other.at);
    let free = 0;
    for (const { at, content } of this.pieces) {
      if (at < free) throw new RangeError(`two parts of an image are at byte ${at}`);
      free = at + sizeOf(content);
    }
    if (free > size) throw new RangeError(`an image of ${size} bytes has parts up to byte ${free}`);
  }

  /**
   * Starts at any byte without reading those before it.
   * @throws RangeError for bytes outside of the image; Error for a part whose content is shorter or longer than stated
   */
  async *read(start = 0, end = this.size): AsyncGenerator<Uint8Array> {
    if (
      !Number.isSafeInteger(start) ||
      !Number.isSafeInteger(end) ||
      start < 0 ||
      end < start ||
      end > this.size
    )
      throw new RangeError(`bytes ${start} to ${end} of an image of ${this.size}`);
    let at = start;
    for (let index = this.firstBehind(start); at < end; index++) {
      const piece = this.pieces[index];
      const gapEnd = Math.min(piece?.at ?? this.size, end);
      for (; at < gapEnd; at += Math.min(ZEROS.length, gapEnd - at))
        yield ZEROS.subarray(0, Math.min(ZEROS.length, gapEnd - at));
      if (piece === undefined || at >= end) continue;
      const stop = Math.min(piece.at + sizeOf(piece.content), end);
      yield* exactly(piece.content, at - piece.at, stop - piece.at);
      at = stop;
    }
  }

  /** The index of the first part that ends after a byte. */
  private firstBehind(byte: number): number {
    const index = this.pieces.findIndex(({ at, content }) => at + sizeOf(content) > byte);
    return index === -1 ? this.pieces.length : index;
  }
}

/** The parts of an image in order; a part that is an image itself is replaced by its parts. */
export function flatPieces(image: PiecedImage, from = 0): Piece[] {
  return image.pieces.flatMap(({ at, content }) =>
    content instanceof PiecedImage ? flatPieces(content, from + at) : [{ at: from + at, content }],
  );
}

/** A part must deliver exactly its size or fail: otherwise the following bytes would be shifted. */
async function* exactly(content: Content, start: number, end: number): AsyncGenerator<Uint8Array> {
  if (content instanceof Uint8Array) {
    yield content.subarray(start, end);
    return;
  }
  let left = end - start;
  for await (const chunk of content.read(start, end)) {
    left -= chunk.length;
    if (left < 0)
      throw new Error(`a file has more than the ${content.size} bytes that it had when it was laid out`);
    if (chunk.length > 0) yield chunk;
  }
  if (left > 0)
    throw new Error(`a file ends ${left} bytes before the ${content.size} that it had when it was laid out`);
}
