import { randomFillSync } from 'node:crypto';
import type { BlockDevice } from '../machine/block-device.js';
import { withFile, writeFully } from './disk-file.js';

const BLOCK = 4 * 2 ** 20;
/** Bytes between flushes, so that progress shows what is on the disk and memory stays free. */
const FLUSH = 64 * 2 ** 20;

/**
 * Overwrites every byte of a disk.
 * @param passes of random bytes
 * @param zeros whether a last pass of zeros follows
 */
export async function overwrite(
  device: BlockDevice,
  passes: number,
  zeros: boolean,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  const rounds = [...Array<'random'>(passes).fill('random'), ...(zeros ? (['zeros'] as const) : [])];
  const block = Buffer.alloc(BLOCK);
  await withFile(device.name, 'r+', async (file) => {
    for (const [index, round] of rounds.entries()) {
      if (round === 'zeros') block.fill(0);
      for (let at = 0, flushed = 0; at < device.size; at += BLOCK) {
        if (round === 'random') randomFillSync(block);
        const length = Math.min(BLOCK, device.size - at);
        await writeFully(file, block.subarray(0, length), at);
        if (at + length - flushed >= FLUSH || at + length === device.size) {
          await file.datasync();
          flushed = at + length;
          onProgress(index * device.size + flushed, rounds.length * device.size);
        }
      }
    }
  });
}
