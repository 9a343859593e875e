import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { sha256Of } from '../../image-build/session/artefact.js';

export interface Artifact {
  path: string;
  /** SHA-256 in hexadecimal; also in `<path>.sha256`, in the format of sha256sum. */
  sha256: string;
  /** Build time, ms; 0: cached. */
  built: number;
}

/**
 * A file that is built once for each recipe. The recipe lists everything the result depends on (package versions,
 * texts, sizes). Its hash is part of the file's name, so a changed recipe never yields a stale file.
 * @param build writes the file at the given path, inside a scratch folder of its own
 */
export async function artifact(
  cache: string,
  name: { stem: string; extension: string },
  recipe: unknown,
  build: (output: string, scratch: string) => Promise<void>,
): Promise<Artifact> {
  const key = createHash('sha256').update(JSON.stringify(recipe)).digest('hex').slice(0, 16);
  const file = `${name.stem}-${key}.${name.extension}`;
  const path = join(resolve(cache), file);
  if (existsSync(`${path}.sha256`)) {
    const sha256 = (await readFile(`${path}.sha256`, 'utf8')).slice(0, 64);
    return { path, sha256, built: 0 };
  }
  const started = performance.now();
  mkdirSync(cache, { recursive: true });
  const scratch = mkdtempSync(join(resolve(cache), `.build-${name.stem}-`));
  try {
    const output = join(scratch, file);
    await build(output, scratch);
    const sha256 = await sha256Of(output);
    renameSync(output, path);
    // Written last: it marks the file as complete.
    writeFileSync(`${path}.sha256.part`, `${sha256}  ${file}\n`);
    renameSync(`${path}.sha256.part`, `${path}.sha256`);
    return { path, sha256, built: performance.now() - started };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
