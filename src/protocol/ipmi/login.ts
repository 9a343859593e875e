import { MalformedPacket } from '../malformed-packet.js';
import { readU32 } from './bytes.js';
import { CIPHER_SUITES, type CipherSuite } from './cipher-suite.js';
import { ConsoleSession } from './console-session.js';
import { codeMatches, DIALECTS, type Dialect, inDialect } from './dialect.js';
import type { Algorithms } from './rakp.js';
import {
  decodeOpenSessionResponse,
  decodeRakp2,
  decodeRakp4,
  encodeOpenSessionRequest,
  encodeRakp1,
  encodeRakp3,
  RAKP_STATUS,
} from './rakp.js';
import { encodeRmcpIpmi } from './rmcp.js';
import {
  type Handshake,
  type IpmiCrypto,
  rakp2Code,
  rakp3Code,
  rakp4Check,
  type SessionKeys,
  sessionKeys,
} from './security.js';
import { decodeSessionV20, encodeSessionV20, PAYLOAD } from './session-header.js';

/** §13.20: the user is looked up by name alone. */
const BY_NAME = 0x10;

export interface LoginOptions {
  suite: CipherSuite;
  username: Uint8Array;
  password: Uint8Array;
  /** K_G; absent: the BMC is in one-key mode, and the password takes its place. */
  kgKey?: Uint8Array;
  /** Privilege level 1-4. */
  privilege: number;
}

export type RefusalKind =
  /** All of the BMC's sessions are in use. */
  | 'no room'
  /** The BMC no longer knows this attempt, or has begun it anew: it is worth a new attempt. */
  | 'stale'
  | 'suite'
  | 'role'
  | 'user'
  | 'password'
  | 'kg'
  | 'other';

export interface Refusal {
  kind: RefusalKind;
  /** Table 13-15; 0: the BMC said yes, and its code or its algorithms were wrong. */
  status: number;
  /** For `suite`: the one that the BMC chose instead. */
  offered?: CipherSuite | undefined;
  /** A packet that tells the BMC to forget the attempt. */
  farewell?: Uint8Array;
}

export type LoginStep =
  /** Send it, and again until the next step. */
  | { is: 'send'; packet: Uint8Array }
  | { is: 'done'; session: ConsoleSession; dialect: Dialect }
  | { is: 'refused'; refusal: Refusal };

const KINDS: Readonly<Record<number, RefusalKind>> = {
  [RAKP_STATUS.insufficientResources]: 'no room',
  [RAKP_STATUS.invalidSessionId]: 'stale',
  [RAKP_STATUS.inactiveSessionId]: 'stale',
  [RAKP_STATUS.invalidAuthentication]: 'suite',
  [RAKP_STATUS.invalidIntegrity]: 'suite',
  [RAKP_STATUS.noMatchingAuthentication]: 'suite',
  [RAKP_STATUS.noMatchingIntegrity]: 'suite',
  [RAKP_STATUS.invalidConfidentiality]: 'suite',
  [RAKP_STATUS.noMatchingSuite]: 'suite',
  [RAKP_STATUS.invalidRole]: 'role',
  [RAKP_STATUS.unauthorizedRole]: 'role',
  [RAKP_STATUS.invalidNameLength]: 'user',
  [RAKP_STATUS.unauthorizedName]: 'user',
  [RAKP_STATUS.invalidIntegrityCheck]: 'password',
};

interface Proven {
  handshake: Handshake;
  keys: SessionKeys;
  dialect: Dialect;
}

/**
 * One attempt of the console's side of the RMCP+ session setup (§13.17-13.23): Open Session, RAKP 1 to 4. Pure: it is
 * given packets and returns packets. A new attempt is a new object, with numbers of its own.
 */
export class Login {
  readonly #consoleSessionId: number;
  readonly #consoleRandom: Uint8Array;
  readonly #tag: number;
  #phase: 'open' | 'rakp1' | 'rakp3' | 'over' = 'open';
  #managedSessionId = 0;
  #proven: Proven | undefined;

  constructor(
    private readonly crypto: IpmiCrypto,
    private readonly options: LoginOptions,
  ) {
    const random = crypto.random(5);
    this.#consoleSessionId = readU32(random, 0) || 1;
    this.#tag = random[4] ?? 0;
    this.#consoleRandom = crypto.random(16);
  }

  /** The first packet. The privilege is named, not 0 for "the highest": some BMCs hash what stands here. */
  begin(): Uint8Array {
    const { suite, privilege } = this.options;
    return packetOf(
      PAYLOAD.openSessionRequest,
      encodeOpenSessionRequest({
        tag: this.#tag,
        maximumPrivilege: privilege,
        consoleSessionId: this.#consoleSessionId,
        algorithms: suite,
      }),
    );
  }

  /**
   * @param bytes a BMC's packet, from the session header on
   * @throws MalformedPacket for a packet that is no answer of this attempt: it is to be dropped
   */
  receive(bytes: Uint8Array): LoginStep {
    const { payloadType, payload, sessionId } = decodeSessionV20(bytes);
    if (sessionId !== 0) throw new MalformedPacket(2, 'a session’s packet in the setup');
    if (this.#phase === 'open' && payloadType === PAYLOAD.openSessionResponse) return this.#opened(payload);
    if (this.#phase === 'rakp1' && payloadType === PAYLOAD.rakp2) return this.#rakp2(payload);
    if (this.#phase === 'rakp3' && payloadType === PAYLOAD.rakp4) return this.#rakp4(payload);
    throw new MalformedPacket(1, 'no answer to what was sent last');
  }

  #opened(payload: Uint8Array): LoginStep {
    const answer = decodeOpenSessionResponse(payload);
    this.#own(answer.tag, this.#tag, answer);
    const { suite, privilege, username } = this.options;
    if (answer.status !== RAKP_STATUS.ok) return this.#refuse(answer.status);
    if (!sameAlgorithms(answer.algorithms, suite)) {
      const offered = CIPHER_SUITES.find((one) => sameAlgorithms(one, answer.algorithms));
      return this.#end({ kind: 'suite', status: 0, offered });
    }
    this.#managedSessionId = answer.managedSessionId;
    this.#phase = 'rakp1';
    const message = encodeRakp1({
      tag: this.#nextTag(1),
      managedSessionId: answer.managedSessionId,
      consoleRandom: this.#consoleRandom,
      role: privilege | BY_NAME,
      username,
    });
    return { is: 'send', packet: packetOf(PAYLOAD.rakp1, message) };
  }

  #rakp2(payload: Uint8Array): LoginStep {
    const answer = decodeRakp2(payload);
    this.#own(answer.tag, this.#nextTag(1), answer);
    if (answer.status !== RAKP_STATUS.ok) return this.#refuse(answer.status);
    const { suite, password, kgKey, privilege, username } = this.options;
    const plain: Handshake = {
      consoleSessionId: this.#consoleSessionId,
      managedSessionId: this.#managedSessionId,
      consoleRandom: this.#consoleRandom,
      managedRandom: answer.managedRandom,
      guid: answer.guid,
      role: privilege | BY_NAME,
      username,
    };
    const dialect = DIALECTS.find((one) =>
      codeMatches(rakp2Code(this.crypto, suite, password, inDialect(plain, one)), answer.authCode),
    );
    if (!dialect) {
      const farewell = this.#rakp3(RAKP_STATUS.invalidIntegrityCheck, new Uint8Array(0));
      return this.#end({ kind: 'password', status: 0, farewell });
    }
    const handshake = inDialect(plain, dialect);
    const keys = sessionKeys(this.crypto, suite, kgKey ?? password, handshake);
    this.#proven = { handshake, keys, dialect };
    this.#phase = 'rakp3';
    const packet = this.#rakp3(RAKP_STATUS.ok, rakp3Code(this.crypto, suite, password, handshake));
    return { is: 'send', packet };
  }

  #rakp4(payload: Uint8Array): LoginStep {
    const answer = decodeRakp4(payload);
    this.#own(answer.tag, this.#nextTag(2), answer);
    if (answer.status !== RAKP_STATUS.ok) {
      // RAKP 2 has shown that the BMC has our password: it has begun anew with other numbers, or its Kg differs.
      const refused = KINDS[answer.status] ?? 'other';
      return this.#end({ kind: refused === 'password' ? 'stale' : refused, status: answer.status });
    }
    const { suite } = this.options;
    if (!this.#proven) throw new MalformedPacket(0, 'no answer to what was sent last');
    const { keys, handshake, dialect } = this.#proven;
    const expected = rakp4Check(this.crypto, suite, keys, handshake);
    // Intel's older firmware sends the whole code instead of its first octets.
    const check = answer.integrityCheck.subarray(0, suite.integrityLength);
    if (!codeMatches(expected, check)) return this.#end({ kind: 'kg', status: 0 });
    this.#phase = 'over';
    return { is: 'done', session: this.#sessionOf(keys), dialect };
  }

  /**
   * The session after RAKP 3, if RAKP 4 is lost: RAKP 2 has shown that the BMC has the password, and the codes of the
   * session's packets show the rest. Without it, each lost RAKP 4 would leave a session that nobody can close.
   */
  presumed(): ConsoleSession | undefined {
    return this.#proven && this.#sessionOf(this.#proven.keys);
  }

  #sessionOf(keys: SessionKeys): ConsoleSession {
    return new ConsoleSession(this.crypto, {
      suite: this.options.suite,
      keys,
      consoleSessionId: this.#consoleSessionId,
      managedSessionId: this.#managedSessionId,
    });
  }

  #rakp3(status: number, authCode: Uint8Array): Uint8Array {
    const message = { tag: this.#nextTag(2), status, managedSessionId: this.#managedSessionId, authCode };
    return packetOf(PAYLOAD.rakp3, encodeRakp3(message));
  }

  #own(tag: number, wanted: number, answer: { status: number; consoleSessionId: number }): void {
    if (tag !== wanted) throw new MalformedPacket(0, 'an answer to an earlier packet');
    const nameless = answer.status !== RAKP_STATUS.ok && answer.consoleSessionId === 0;
    if (nameless || answer.consoleSessionId === this.#consoleSessionId) return;
    throw new MalformedPacket(4, 'an answer to another console');
  }

  #nextTag(after: number): number {
    return (this.#tag + after) & 0xff;
  }

  #refuse(status: number): LoginStep {
    return this.#end({ kind: KINDS[status] ?? 'other', status });
  }

  #end(refusal: Refusal): LoginStep {
    this.#phase = 'over';
    return { is: 'refused', refusal };
  }
}

function sameAlgorithms(left: Algorithms, right: Algorithms): boolean {
  return (
    left.authentication === right.authentication &&
    left.integrity === right.integrity &&
    left.confidentiality === right.confidentiality
  );
}

function packetOf(payloadType: number, payload: Uint8Array): Uint8Array {
  const header = { payloadType, encrypted: false, authenticated: false, sessionId: 0, sequence: 0, payload };
  return encodeRmcpIpmi(encodeSessionV20(header));
}
