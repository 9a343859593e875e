import type { DataSource } from 'typeorm';
import { isDatabaseAway } from '../../domain/errors.js';
import { contained } from '../../platform/boundary.js';

/** Channel of the notifications; they have no payload. */
export const EVENT_CHANNEL = 'ferric_event';
/** The statement that notifies. */
export const NOTIFY = `select pg_notify('${EVENT_CHANNEL}', '')`;
/** ms in which the hints of several commits become one notification. */
const TOGETHER = 10;

/**
 * Notifies listeners, after a commit, that there are new events. A notification within the transaction would hold a
 * lock of the whole server while its commit is flushed, so that no two commits would share a flush (PostgreSQL:
 * PreCommit_Notify in src/backend/commands/async.c). A hint is lost with its process or connection; listeners therefore
 * also read without one, at intervals.
 */
export class EventHint {
  #isDue = false;

  constructor(private readonly source: DataSource) {}

  /** Call it once the event is committed. */
  readonly give = (): void => {
    if (this.#isDue) return;
    this.#isDue = true;
    const send = contained('event stream: hint', this.#send.bind(this), () => (this.#isDue = false));
    setTimeout(send, TOGETHER).unref();
  };

  async #send(): Promise<void> {
    // Events that commit from here on need a hint of their own.
    this.#isDue = false;
    if (!this.source.isInitialized) return;
    try {
      await this.source.query(NOTIFY);
    } catch (error) {
      // Listeners that lost the database read again when they are back.
      if (!isDatabaseAway(error)) throw error;
    }
  }
}
