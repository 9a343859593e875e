import { CIPHER_SUITES, type CipherSuite } from '../../../protocol/ipmi/cipher-suite.js';
import { COMPLETION, PRIVILEGE } from '../../../protocol/ipmi/command.js';
import { type ConsoleSession, isAnswerTo } from '../../../protocol/ipmi/console-session.js';
import { Login, type LoginOptions, type LoginStep, type Refusal } from '../../../protocol/ipmi/login.js';
import { decodeMessage, type IpmiResponse } from '../../../protocol/ipmi/message.js';
import { RAKP_STATUS } from '../../../protocol/ipmi/rakp.js';
import { decodeRmcp, RMCP_CLASS } from '../../../protocol/ipmi/rmcp.js';
import {
  channelAuthRequest,
  type IpmiCall,
  packetOutsideSession,
  setPrivilegeRequest,
  speaksV20,
} from '../../../protocol/ipmi/session-commands.js';
import { decodeSessionV15 } from '../../../protocol/ipmi/session-header.js';
import { MalformedPacket } from '../../../protocol/malformed-packet.js';
import type { BmcTarget } from '../arguments.js';
import { FAULTS } from '../faults.js';
import { ask } from './exchange.js';
import { nodeCrypto } from './node-crypto.js';
import { faultOfCode, faultOfRefusal, inSession, NativeFault } from './outcome.js';
import type { BmcSockets, Place } from './sockets.js';

/** Logins that one attempt begins, if the BMC loses its place in them: BMCs lock accounts after a few. */
const MOST_LOGINS = 3;
/** Answers to one question that a BMC has several to: with the packets sent at 500 ms, 1.25 s and so on. */
const REPLY_FACTOR = 3;
/** ms for the answer to Close Session. */
const CLOSE_TIMEOUT = 1_500;

/** Request sequence outside a session. */
const OUTSIDE = 1;

const LEVELS = {
  ADMINISTRATOR: PRIVILEGE.administrator,
  OPERATOR: PRIVILEGE.operator,
  USER: PRIVILEGE.user,
  CALLBACK: PRIVILEGE.callback,
} as const;

/** Answers to Set Session Privilege Level: the user does not have it. */
const NO_LEVEL: readonly number[] = [
  COMPLETION.parameterNotSupported,
  COMPLETION.privilegeExceedsLimit,
  COMPLETION.insufficientPrivilege,
];

/** Packets to and from one BMC in one attempt of a call, and its sessions: each is ended, or kept by somebody else. */
export class Visit {
  /** Questions that were sent more than once: an answer or a question was lost, or the BMC is slow. */
  #resent = 0;
  /** ms that the slowest answer took. */
  slowest = 0;
  /** ms from the last packet of a question to its answer, at most. */
  #roundTrip = 0;
  /** Sessions that the BMC has open, or may have, for this visit. */
  readonly #open = new Set<ConsoleSession>();

  constructor(
    private readonly sockets: BmcSockets,
    readonly place: Place,
    private readonly options: {
      /** s to wait for a packet of a BMC that may be absent. */
      seconds: number;
      /** By performance.now(): nothing is asked after it. */
      end: number;
      signal: AbortSignal;
    },
  ) {}

  /** From now on this visit ends the session. */
  own(session: ConsoleSession): void {
    this.#open.add(session);
  }

  /** From now on somebody else ends it, or the BMC itself. */
  disown(session: ConsoleSession): void {
    this.#open.delete(session);
  }

  /** Takes leave of the sessions that are still the visit's, whatever has ended it. */
  end(): void {
    for (const session of [...this.#open]) this.leave(session);
  }

  /** Get Channel Authentication Capabilities: whether somebody is there who speaks IPMI 2.0. */
  async contact(target: BmcTarget): Promise<void> {
    const call = channelAuthRequest(LEVELS[target.privilege]);
    const response = await this.#ask(
      () => packetOutsideSession(call, OUTSIDE),
      (bytes) => {
        const message = decodeMessage(decodeSessionV15(bytes).payload);
        return message.kind === 'response' && isAnswerTo(message, call, OUTSIDE) ? message : undefined;
      },
      { timeout: this.options.seconds * 1000 },
    );
    if (!response) throw new NativeFault(inSession(FAULTS.absent));
    if (speaksV20(response) === false) throw new NativeFault(inSession(FAULTS.noV20));
  }

  /**
   * Logs in and takes the privilege level.
   * @param suites in the order of trial
   * @throws NativeFault
   */
  async establish(target: BmcTarget, suites: readonly number[]): Promise<ConsoleSession> {
    const [first, ...others] = CIPHER_SUITES.filter(({ id }) => suites.includes(id)).toSorted(
      (a, b) => suites.indexOf(a.id) - suites.indexOf(b.id),
    );
    if (!first) throw new NativeFault(inSession(FAULTS.noSuite));
    const session = await this.#logIn(target, first, others);
    this.own(session);
    const level = LEVELS[target.privilege];
    const answer = await this.command(session, setPrivilegeRequest(level));
    if (!answer) throw new NativeFault(inSession(FAULTS.late));
    if (answer.completionCode === COMPLETION.ok) return session;
    await this.close(session);
    if (NO_LEVEL.includes(answer.completionCode)) throw new NativeFault(inSession(FAULTS.noPrivilege));
    throw new NativeFault(inSession(faultOfCode(answer.completionCode) ?? FAULTS.busy));
  }

  /** @returns undefined for silence */
  async command(
    session: ConsoleSession,
    call: IpmiCall,
    options: { once?: boolean; timeout?: number } = {},
  ): Promise<IpmiResponse | undefined> {
    const sequence = session.nextRequest();
    return this.#ask(
      () => session.seal(call, sequence),
      (bytes) => {
        const response = session.open(bytes);
        return isAnswerTo(response, call, sequence) ? response : undefined;
      },
      options,
    );
  }

  /** Close Session, until the BMC confirms it. */
  async close(session: ConsoleSession): Promise<void> {
    this.own(session);
    await this.command(session, session.closing(), { timeout: CLOSE_TIMEOUT });
    this.disown(session);
  }

  /** Close Session, without waiting: for a BMC that does not answer. */
  leave(session: ConsoleSession): void {
    this.disown(session);
    this.sockets.farewell(this.place, () => session.farewell());
  }

  async #logIn(
    target: BmcTarget,
    suite: CipherSuite,
    others: readonly CipherSuite[],
  ): Promise<ConsoleSession> {
    const options: LoginOptions = {
      suite,
      username: Buffer.from(target.username),
      password: Buffer.from(target.password),
      ...(target.kgKey ? { kgKey: target.kgKey } : {}),
      privilege: LEVELS[target.privilege],
    };
    for (let begun = 1; ; begun++) {
      const login = new Login(nodeCrypto, options);
      const before = this.#resent;
      const end = await this.#follow(login).catch((error: unknown) => {
        const presumed = login.presumed();
        if (presumed) this.own(presumed); // the BMC has it as soon as it has RAKP 3
        throw error;
      });
      if (end.is === 'session') return end.session;
      const { refusal } = end;
      const { farewell } = refusal;
      if (farewell) this.sockets.farewell(this.place, () => farewell);
      const [next, ...rest] = refusal.offered
        ? others.filter(({ id }) => id === refusal.offered?.id)
        : others;
      if (refusal.kind === 'suite' && next) return this.#logIn(target, next, rest);
      if (refusal.kind === 'stale') {
        const presumed = login.presumed();
        if (presumed) this.leave(presumed);
        // After a login without repetitions the BMC cannot have lost its place: its code is another one.
        const isLost = refusal.status !== RAKP_STATUS.invalidIntegrityCheck;
        const doubtful = isLost || this.#resent > before;
        if (doubtful && begun < MOST_LOGINS) continue;
        // BMCs lock accounts: what looks like a wrong password this often is one.
        if (!isLost) throw faultOfRefusal({ ...refusal, kind: 'password' });
      }
      throw faultOfRefusal(refusal);
    }
  }

  async #follow(
    login: Login,
  ): Promise<{ is: 'session'; session: ConsoleSession } | { is: 'refused'; refusal: Refusal }> {
    let packet = login.begin();
    for (;;) {
      const step: LoginStep | undefined = await this.#ask(
        () => packet,
        (bytes) => login.receive(bytes),
      );
      if (step?.is === 'send') packet = step.packet;
      else if (step?.is === 'refused') return step;
      else {
        const session = step?.session ?? login.presumed();
        if (session) return { is: 'session', session };
        throw new NativeFault(inSession(FAULTS.late));
      }
    }
  }

  async #ask<T>(
    packet: () => Uint8Array,
    take: (body: Uint8Array) => T | undefined,
    { once = false, timeout }: { once?: boolean; timeout?: number } = {},
  ): Promise<T | undefined> {
    const begun = performance.now();
    const answer = await ask(this.sockets, {
      place: this.place,
      packet,
      once,
      timeout: timeout ?? this.options.seconds * 1000 * REPLY_FACTOR,
      end: this.options.end,
      slowest: this.#roundTrip,
      take: (bytes) => take(bodyOf(bytes)),
      signal: this.options.signal,
    });
    if (!answer || answer.sent > 1) this.#resent++;
    if (!answer) return undefined;
    this.slowest = Math.max(this.slowest, performance.now() - begun);
    this.#roundTrip = Math.max(this.#roundTrip, answer.took);
    return answer.value;
  }
}

/** The IPMI session packet in an RMCP packet. @throws MalformedPacket */
function bodyOf(bytes: Uint8Array): Uint8Array {
  const { messageClass, acknowledge, body } = decodeRmcp(bytes);
  if (messageClass !== RMCP_CLASS.ipmi || acknowledge) throw new MalformedPacket(3, 'no IPMI packet');
  return body;
}
