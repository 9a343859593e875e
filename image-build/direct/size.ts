import { InvalidError } from '../../src/domain/errors.js';
import { run } from '../process/run.js';

/** MiB that no system of packages with a kernel fits into. */
export const LEAST_SIZE = 512;

/**
 * MiB of the root file system: what was asked for, or what the tree takes.
 * @throws InvalidError for less than the tree takes
 */
export async function rootSize(root: string, wanted: number | undefined): Promise<number> {
  if (wanted === undefined) return sizeFor(root);
  const used = await usedBy(root);
  // Tables, the journal and 1 % for root.
  const least = Math.ceil(used * 1.05 + 32);
  if (wanted < least)
    throw new InvalidError(
      `--size: the system takes ${used} MiB, and a file system for it ${least}; ${wanted} are too few`,
    );
  return wanted;
}

/** MiB that a tree takes as ext4, with room for tables, a journal and some work. */
export async function sizeFor(root: string): Promise<number> {
  return Math.ceil(((await usedBy(root)) * 1.25 + 192) / 64) * 64;
}

async function usedBy(root: string): Promise<number> {
  return Number((await run('du', ['-s', '-m', root], { timeout: 300_000 })).split('\t')[0]);
}
