import { isDatabaseAway, messageOf } from '../../domain/errors.js';
import type { BootService } from '../../persistence/published-file/publication.js';
import type { PublishedFileRepository } from '../../persistence/published-file/published-file.repository.js';
import { contained } from '../../platform/boundary.js';
import type { Logger } from '../../platform/logger.js';
import { ThrottledLog } from '../../platform/throttled-log.js';

/** ms between two writes: a BMC may read its disc in thousands of small ranges. */
const INTERVAL = 1_000;
/** Names that wait to be written; beyond it, further ones are dropped until the next write. */
const MOST = 10_000;

interface Entry {
  service: BootService;
  name: string;
  bytes: number;
}

/** Records how many bytes of published files were fetched. */
export class FetchNotes {
  readonly #pending = new Map<string, Entry>();
  readonly #throttled: ThrottledLog;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(
    private readonly files: Pick<PublishedFileRepository, 'noteFetched'>,
    log: Logger,
    private readonly interval = INTERVAL,
  ) {
    this.#throttled = new ThrottledLog(log);
  }

  add(service: BootService, name: string, bytes: number): void {
    if (bytes <= 0) return;
    this.#keep({ service, name, bytes });
    this.#arm();
  }

  /** Writes what is pending. A failure is logged, and what it concerned is written the next time. */
  async flush(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    for (const key of [...this.#pending.keys()]) {
      const entry = this.#pending.get(key);
      if (!entry) continue; // another flush has it
      this.#pending.delete(key);
      try {
        await this.files.noteFetched(entry.service, entry.name, entry.bytes);
      } catch (error) {
        this.#throttled.warn(
          { error: messageOf(error) },
          'fetched bytes of a published file are not recorded',
        );
        this.#keep(entry);
        // Each further write would only wait as long, and fail as well.
        if (isDatabaseAway(error)) break;
      }
    }
    if (this.#pending.size > 0) this.#arm();
  }

  /** Writes once more what is pending; nothing is written on a timer afterwards. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.flush();
  }

  #keep({ service, name, bytes }: Entry): void {
    const key = `${service} ${name}`;
    const entry = this.#pending.get(key);
    if (entry) entry.bytes += bytes;
    else if (this.#pending.size < MOST) this.#pending.set(key, { service, name, bytes });
  }

  #arm(): void {
    if (this.#stopped) return;
    const again = () => {
      this.#timer = null;
      this.#arm();
    };
    const write = contained('published files: fetched bytes', () => this.flush(), again);
    this.#timer ??= setTimeout(write, this.interval).unref();
  }
}
