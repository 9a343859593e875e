import { describe, expect, it } from 'vitest';
import { BlockReader, type BlockSource } from '../../../../src/netboot/tftp/block-reader.js';

function source(bytes: Uint8Array) {
  const reads: number[] = [];
  const readv = async (views: readonly Uint8Array[], position: number) => {
    reads.push(position);
    let at = position;
    for (const view of views) {
      const part = bytes.subarray(at, at + view.length);
      view.set(part);
      at += part.length;
    }
    return { bytesRead: at - position, buffers: views };
  };
  return { reads, source: { readv } as unknown as BlockSource };
}
const content = (size: number) => Uint8Array.from({ length: size }, (_, i) => (i * 13 + (i >> 7)) & 255);

describe('blocks', () => {
  it.each([0, 1, 511, 512, 513, 512 * 128, 512 * 128 + 1, 512 * 300 + 77])(
    'of a file of %i bytes',
    async (size) => {
      const file = content(size);
      const { source: from } = source(file);
      const reader = new BlockReader(from, size, 512);
      const last = Math.floor(size / 512) + 1;
      const got: number[] = [];
      for (let block = 1; block <= last; block++) {
        if (reader.packet(block) === null) await reader.load(block, block);
        const packet = reader.packet(block)!;
        expect([...packet.subarray(0, 4)]).toEqual([0, 3, (block >> 8) & 255, block & 255]);
        got.push(...packet.subarray(4));
      }
      expect(Uint8Array.from(got)).toEqual(file);
      await reader.settle();
    },
  );

  it('are read a chunk ahead, each chunk once, and never into memory that was given out', async () => {
    const file = content(512 * 1000);
    const { source: from, reads } = source(file);
    const reader = new BlockReader(from, file.length, 512);
    await reader.load(1, 64);
    const early = reader.packet(64)!;
    const copy = Uint8Array.from(early);
    for (let block = 65; block <= 1000; block += 64) {
      if (reader.packet(block) === null || reader.packet(Math.min(1001, block + 63)) === null)
        await reader.load(block, block + 63);
      reader.forget(block);
      reader.prefetch(block + 63);
      await reader.settle();
    }
    expect(Uint8Array.from(early)).toEqual(copy);
    expect(new Set(reads).size).toBe(reads.length);
    expect(reads.length).toBe(8);
  });

  it('roll over in the header', async () => {
    const { source: from } = source(content(512 * 65_540));
    const reader = new BlockReader(from, 512 * 65_540, 512);
    await reader.load(65_536, 65_537);
    expect([...reader.packet(65_536)!.subarray(0, 4)]).toEqual([0, 3, 0, 0]);
    expect([...reader.packet(65_537)!.subarray(0, 4)]).toEqual([0, 3, 0, 1]);
    await reader.settle();
  });

  it('of a file that became shorter are an error', async () => {
    const { source: from } = source(content(100));
    const reader = new BlockReader(from, 2000, 512);
    await reader.load(1, 1);
    expect(() => reader.packet(1)).toThrow('shorter');
  });
});
