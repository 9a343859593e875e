import type { CipherSuite } from '../../src/protocol/ipmi/cipher-suite.js';
import { PRIVILEGE } from '../../src/protocol/ipmi/command.js';
import type { Handshake, SessionKeys } from '../../src/protocol/ipmi/security.js';
import { SequenceWindow } from '../../src/protocol/ipmi/sequence-window.js';
import type { BmcUser } from './user.js';

/** An RMCP+ session from its open request on; `active` after RAKP 3. */
export class Session {
  active = false;
  /** Packets RAKP 3 so far. */
  proofs = 0;
  privilege: number = PRIVILEGE.user;
  handshake: Handshake | undefined;
  keys: SessionKeys | undefined;
  user: BmcUser | undefined;
  touched = performance.now();
  #sent = 0;
  readonly #window = new SequenceWindow();
  /** The last request and its response: a repeated request gets the same response and is not carried out again. */
  last: { key: string; answer: Promise<Uint8Array> } | undefined;

  constructor(
    readonly id: number,
    readonly consoleId: number,
    readonly suite: CipherSuite,
    readonly maximumPrivilege: number,
  ) {}

  nextSequence(): number {
    this.#sent = this.#sent === 0xffffffff ? 1 : this.#sent + 1;
    return this.#sent;
  }

  /** Whether a packet's sequence number is new and within the window. */
  accept(sequence: number): boolean {
    return this.#window.accept(sequence);
  }
}

/** Sessions of one BMC, with the limits of a real one. */
export class SessionTable {
  readonly #sessions = new Map<number, Session>();

  constructor(
    readonly limit: number,
    /** Idle timeout of an active session, ms; half-open ones get a third of it. */
    readonly timeout: number,
  ) {}

  /** The session with that id, if it is still alive. */
  get(id: number): Session | undefined {
    const session = this.#sessions.get(id);
    if (session === undefined || this.#expired(session)) return undefined;
    return session;
  }

  /** @returns false when active sessions use all places; otherwise the oldest half-open one is evicted if needed */
  add(session: Session): boolean {
    if (this.#sessions.size >= this.limit) this.#sweep();
    if (this.#sessions.size >= this.limit) {
      const halfOpen = [...this.#sessions.values()].find((candidate) => !candidate.active);
      if (halfOpen !== undefined) this.#sessions.delete(halfOpen.id);
    }
    if (this.#sessions.size >= this.limit) return false;
    this.#sessions.set(session.id, session);
    return true;
  }

  delete(id: number): boolean {
    return this.#sessions.delete(id);
  }

  clear(): void {
    this.#sessions.clear();
  }

  get size(): number {
    this.#sweep();
    return this.#sessions.size;
  }

  #expired(session: Session): boolean {
    return performance.now() - session.touched > (session.active ? this.timeout : this.timeout / 3);
  }

  #sweep(): void {
    for (const [id, session] of this.#sessions) if (this.#expired(session)) this.#sessions.delete(id);
  }
}
