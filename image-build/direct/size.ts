import { InvalidError } from '../../src/domain/errors.js';
import { run } from '../process/run.js';

/** Least size, MiB; any system with a kernel needs more. */
export const LEAST_SIZE = 512;

/**
 * Size of the root file system, MiB: the requested one, or by the tree's content.
 * @throws InvalidError when the requested size is too small for the tree
 */
export async function rootSize(root: string, wanted: number | undefined): Promise<number> {
  if (wanted === undefined) return sizeFor(root);
  const used = await usedBy(root);
  // File system tables, the journal, and 1 % reserved for root.
  const least = Math.ceil(used * 1.05 + 32);
  if (wanted < least)
    throw new InvalidError(
      `--size: the system takes ${used} MiB, and a file system for it ${least}; ${wanted} are too few`,
    );
  return wanted;
}

/** MiB that a tree needs as ext4, with room for tables, a journal and some work. */
export async function sizeFor(root: string): Promise<number> {
  return Math.ceil(((await usedBy(root)) * 1.25 + 192) / 64) * 64;
}

async function usedBy(root: string): Promise<number> {
  return Number((await run('du', ['-s', '-m', root], { timeout: 300_000 })).split('\t')[0]);
}
