import { rm, rmdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { messageOf } from '../../domain/errors.js';
import type {
  EndedEntry,
  PublishedFileRepository,
} from '../../persistence/published-file/published-file.repository.js';
import type { Logger } from '../../platform/logger.js';

const PAGE = 500;
/** Seconds between two sweeps. */
const EVERY = 300;

/**
 * Removes what was published for an operation that is over, or until a time that has passed: its conductor died before
 * it withdrew the entry. The file goes first, so that no file is left without its row.
 */
export class PublishedSweep {
  /** For the periodic runner. */
  readonly task = {
    name: 'published-files',
    every: EVERY,
    atStart: true,
    run: async (signal: AbortSignal) => void (await this.run(signal)),
  };

  constructor(
    private readonly files: Pick<PublishedFileRepository, 'ended' | 'remove'>,
    private readonly settings: {
      /** Host name of this conductor. */
      conductor: string;
      /** Seconds without a heartbeat after which a conductor counts as dead, and others sweep its entries. */
      silence: number;
      /** Boot roots: a file below them is removed with its row, any other file is left alone. */
      roots: readonly string[];
      log: Logger;
      page?: number;
    },
  ) {}

  /** @returns number of entries removed */
  async run(signal?: AbortSignal): Promise<number> {
    const { conductor, silence, log, page = PAGE } = this.settings;
    let gone = 0;
    for (let last: EndedEntry | null = null; ; ) {
      const entries = await this.files.ended(conductor, silence, page, last);
      for (const entry of entries) {
        signal?.throwIfAborted();
        if (await this.#take(entry)) gone++;
      }
      last = entries.at(-1) ?? null;
      if (entries.length < page) break;
    }
    if (gone > 0) log.info({ entries: gone }, 'published files whose work is over were taken away');
    return gone;
  }

  async #take(entry: EndedEntry): Promise<boolean> {
    const { path } = entry;
    try {
      if (path !== null && this.#isOurs(path)) await removeFile(path);
    } catch (error) {
      // The row stays; the next sweep retries.
      this.settings.log.warn({ path, error: messageOf(error) }, 'a published file could not be removed');
      return false;
    }
    await this.files.remove(entry);
    return true;
  }

  #isOurs(path: string): boolean {
    return this.settings.roots.some((root) => resolve(path).startsWith(`${resolve(root)}/`));
  }
}

/** Removes the file, and its directory (a node's own) when that is empty. */
async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
  await rmdir(dirname(path)).catch((error: NodeJS.ErrnoException) => {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(error.code ?? '')) throw error;
  });
}
