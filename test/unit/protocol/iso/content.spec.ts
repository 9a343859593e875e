import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PiecedImage, type StreamedContent } from '../../../../src/protocol/iso/content.js';

const bytes = (length: number, seed = 1) => Uint8Array.from({ length }, (_, i) => (i * 7 + seed) % 251);

/** In chunks of three bytes. */
function streamed(content: Uint8Array, size = content.length): StreamedContent {
  return {
    size,
    async *read(start, end) {
      for (let at = start; at < Math.min(end, content.length); at += 3)
        yield content.subarray(at, Math.min(at + 3, end, content.length));
    },
  };
}

async function whole(image: PiecedImage, start?: number, end?: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of image.read(start, end)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('PiecedImage', () => {
  it('gives any range as a slice of the whole', async () => {
    const gap = fc.integer({ min: 0, max: 70_000 });
    const part = fc.record({ gap, length: fc.integer({ min: 0, max: 40 }), streams: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { maxLength: 6 }),
        gap,
        fc.nat(),
        fc.nat(),
        async (parts, tail, a, b) => {
          let at = 0;
          const pieces = parts.map(({ gap, length, streams }, index) => {
            const content = bytes(length, index);
            const piece = { at: at + gap, content: streams ? streamed(content) : content };
            at += gap + length;
            return piece;
          });
          const size = at + tail;
          const expected = Buffer.alloc(size);
          for (const [index, piece] of pieces.entries())
            expected.set(bytes(parts[index]!.length, index), piece.at);
          const image = new PiecedImage(size, pieces.toReversed());
          const [start, end] = [a % (size + 1), b % (size + 1)].sort((x, y) => x - y) as [number, number];
          expect((await whole(image)).equals(expected)).toBe(true);
          expect((await whole(image, start, end)).equals(expected.subarray(start, end))).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('reads nothing that was not asked for', async () => {
    const asked: [number, number][] = [];
    const content: StreamedContent = {
      size: 2 ** 30,
      async *read(start, end) {
        asked.push([start, end]);
        yield new Uint8Array(end - start);
      },
    };
    const image = new PiecedImage(2 ** 31, [{ at: 1000, content }]);
    expect((await whole(image, 0, 1000)).length).toBe(1000);
    expect(asked).toEqual([]);
    expect((await whole(image, 5000, 5010)).length).toBe(10);
    expect((await whole(image, 2 ** 31 - 5)).length).toBe(5);
    expect(asked).toEqual([[4000, 4010]]);
  });

  it.each([
    [-1, 5],
    [3, 2],
    [0, 11],
    [0.5, 2],
    [Number.NaN, 2],
  ])('refuses bytes %d to %d of ten', async (start, end) => {
    await expect(whole(new PiecedImage(10, []), start, end)).rejects.toThrow(RangeError);
  });

  it('breaks off where a file has fewer or more bytes than it had', async () => {
    const shorter = new PiecedImage(100, [{ at: 10, content: streamed(bytes(20), 30) }]);
    await expect(whole(shorter)).rejects.toThrow(/ends 10 bytes before the 30/);
    const longer: StreamedContent = {
      size: 5,
      async *read() {
        yield bytes(6);
      },
    };
    await expect(whole(new PiecedImage(100, [{ at: 10, content: longer }]))).rejects.toThrow(
      /more than the 5/,
    );
  });

  it('refuses parts that overlap or stand out', () => {
    expect(() => new PiecedImage(9, [{ at: 0, content: bytes(10) }])).toThrow(RangeError);
    const parts = [
      { at: 4, content: bytes(4) },
      { at: 0, content: bytes(5) },
    ];
    expect(() => new PiecedImage(9, parts)).toThrow(/two parts/);
  });
});
