import { run } from '../process/run.js';

/** MiB that a tree takes as ext4, with room for tables, a journal and some work. */
export async function sizeFor(root: string): Promise<number> {
  const used = Number((await run('du', ['-s', '-m', root], { timeout: 300_000 })).split('\t')[0]);
  return Math.ceil((used * 1.25 + 192) / 64) * 64;
}
