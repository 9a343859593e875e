import { messageOf } from '../../domain/errors.js';
import type { BootService } from '../../persistence/published-file/publication.js';
import type { PublishedFileRepository } from '../../persistence/published-file/published-file.repository.js';
import type { Logger } from '../../platform/logger.js';
import { ThrottledLog } from '../../platform/throttled-log.js';
import { WriteBehind } from '../../platform/write-behind.js';

/** ms between two writes: a BMC may read its disc in thousands of small ranges. */
const INTERVAL = 1_000;
const MOST = 10_000;

interface Fetched {
  service: BootService;
  name: string;
  bytes: number;
}

/** Records how many bytes of published files were fetched. */
export class FetchNotes {
  readonly #behind: WriteBehind<Fetched>;

  constructor(files: Pick<PublishedFileRepository, 'noteFetched'>, log: Logger, interval: number = INTERVAL) {
    const throttled = new ThrottledLog(log);
    this.#behind = new WriteBehind({
      label: 'published files: fetched bytes',
      interval,
      most: MOST,
      write: (fetched) => files.noteFetched(fetched),
      merge: (kept, later) => ({ ...kept, bytes: kept.bytes + later.bytes }),
      failed: (error) =>
        throttled.warn({ error: messageOf(error) }, 'fetched bytes of published files are not recorded'),
    });
  }

  add(service: BootService, name: string, bytes: number): void {
    if (bytes > 0) this.#behind.add(`${service} ${name}`, { service, name, bytes });
  }

  flush = () => this.#behind.flush();
  stop = () => this.#behind.stop();
}
