import { FerricError } from '../domain/errors.js';
import type { ConductorRecordRepository } from '../persistence/conductor-record/conductor-record.repository.js';
import { diskRoom } from '../platform/disk-room.js';

/** ms for which a result is reused: at most one database statement a second, however often it is requested. */
const LASTS = 1_000;
/** Bytes below which a disk counts as full: one segment of PostgreSQL's WAL. */
const LEAST = 16 * 1024 * 1024;

/** Whether the daemon can work, and the reasons if not. */
export class Health {
  #last: { at: number; reasons: Promise<string[]> } | null = null;

  /** @param directory of the daemon's data; null: not checked */
  constructor(
    private readonly conductors: Pick<ConductorRecordRepository, 'proveWrite'>,
    private readonly directory: string | null,
  ) {}

  /** Reasons why it cannot work; empty: none. */
  reasons(): Promise<string[]> {
    const now = performance.now();
    if (!this.#last || now - this.#last.at > LASTS) this.#last = { at: now, reasons: this.#look() };
    return this.#last.reasons;
  }

  async #look(): Promise<string[]> {
    const reasons: string[] = [];
    try {
      await this.conductors.proveWrite();
    } catch (error) {
      if (!(error instanceof FerricError)) throw error;
      reasons.push(error.message);
    }
    const left = this.directory === null ? LEAST : await diskRoom(this.directory);
    if (left < LEAST)
      reasons.push(`The disk of the data directory is full: ${Math.floor(left / 1024 ** 2)} MiB are left.`);
    return reasons;
  }
}
