import { contained, detached } from '../../../platform/boundary.js';
import type { ConsoleSession } from '../../../protocol/ipmi/console-session.js';
import type { BmcCalls } from '../bmc-calls.js';
import { NativeFault } from './outcome.js';
import type { BmcSockets, Place } from './sockets.js';
import { Visit } from './visit.js';

/**
 * ms that a session stays open after a command that somebody waited for: power actions and boot devices come in rows.
 * After the daemon's own polls it is closed at once: a BMC has 2 to 16 sessions for all its tools, and the next poll is
 * further away than its 60 s for idle sessions.
 */
const IDLE = 10_000;
/** s; timeout of a visit that closes. */
const CLOSING = 2;

export interface Kept {
  session: ConsoleSession;
  /** Fingerprint of the credentials. */
  login: string;
  place: Place;
}

/** At most one open session of each BMC. */
export class KeptSessions {
  readonly #kept = new Map<string, Kept & { timer?: NodeJS.Timeout }>();
  readonly #ended = new AbortController();

  constructor(
    private readonly calls: BmcCalls,
    private readonly sockets: BmcSockets,
  ) {}

  /** The BMC's open session, which is the visit's until it is kept again. One of another login is closed first. */
  async take(key: string, login: string, visit: Visit): Promise<ConsoleSession | undefined> {
    const kept = this.#remove(key);
    if (!kept) return undefined;
    const { session } = kept;
    if (kept.place.address !== visit.place.address) this.#leave(kept);
    else if (kept.login === login) {
      visit.own(session);
      return session;
    }
    // Waited for: pyghmi's BMC tells sessions by the console's address and port alone.
    else await visit.close(session);
    return undefined;
  }

  keep(key: string, kept: Kept, attended: boolean): void {
    const before = this.#remove(key);
    if (before) this.#leave(before);
    const entry = { ...kept };
    if (this.#ended.signal.aborted) {
      this.#leave(kept);
      return;
    }
    this.#kept.set(key, entry);
    if (!attended) this.#closeLater(key, entry.session);
    else {
      const close = () => this.#closeLater(key, entry.session);
      const timer = setTimeout(contained('ipmi: idle session', close, close), IDLE);
      timer.unref();
      this.#kept.set(key, { ...entry, timer });
    }
  }

  /** Takes leave of all BMCs, without waiting for their answers. */
  close(): void {
    this.#ended.abort();
    for (const [key, kept] of [...this.#kept]) {
      this.#remove(key);
      this.#leave(kept);
    }
  }

  #remove(key: string): Kept | undefined {
    const kept = this.#kept.get(key);
    clearTimeout(kept?.timer);
    this.#kept.delete(key);
    return kept;
  }

  #leave({ session, place }: Kept): void {
    this.sockets.farewell(place, () => session.farewell());
  }

  /** At the BMC's turn, unless a command has used the session since. */
  #closeLater(key: string, session: ConsoleSession): void {
    const used = session.requests;
    const { signal } = this.#ended;
    const work = async () => {
      const kept = this.#kept.get(key);
      if (kept?.session !== session || session.requests !== used) return;
      this.#remove(key);
      const end = performance.now() + CLOSING * 1000;
      const visit = new Visit(this.sockets, kept.place, { seconds: CLOSING, end, signal });
      try {
        await visit.close(session);
      } catch (error) {
        if (!(error instanceof NativeFault)) throw error; // it could not be asked, and is taken leave of
      } finally {
        visit.end();
      }
    };
    const closing = this.calls.aside(key, 'socket', signal, work).catch((error: unknown) => {
      if (!signal.aborted) throw error; // else `close` takes leave of it
    });
    detached('ipmi: session end', closing);
  }
}
