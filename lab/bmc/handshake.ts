import { equalBytes, readU32 } from '../../src/protocol/ipmi/bytes.js';
import { CIPHER_SUITES } from '../../src/protocol/ipmi/cipher-suite.js';
import { PRIVILEGE } from '../../src/protocol/ipmi/command.js';
import {
  decodeOpenSessionRequest,
  decodeRakp1,
  decodeRakp3,
  encodeOpenSessionResponse,
  encodeRakp2,
  encodeRakp4,
  RAKP_STATUS,
} from '../../src/protocol/ipmi/rakp.js';
import { rakp2Code, rakp3Code, rakp4Check, sessionKeys } from '../../src/protocol/ipmi/security.js';
import type { FaultSet } from './fault.js';
import { nodeCrypto } from './node-crypto.js';
import { Session, type SessionTable } from './session.js';
import type { BmcUser } from './user.js';

const NONE = new Uint8Array(0);

/** The BMC's side of the RMCP+ session setup: each method takes a payload and returns the response's payload. */
export class HandshakeResponder {
  constructor(
    private readonly sessions: SessionTable,
    private readonly users: readonly BmcUser[],
    private readonly guid: Uint8Array,
    private readonly faults: FaultSet,
    private readonly onLogin: (user: string) => void,
  ) {}

  open(payload: Uint8Array): Uint8Array {
    const request = decodeOpenSessionRequest(payload);
    const { tag, consoleSessionId, algorithms } = request;
    const maximumPrivilege = request.maximumPrivilege || PRIVILEGE.administrator;
    const answer = (status: number, managedSessionId: number) =>
      encodeOpenSessionResponse({
        tag,
        status,
        maximumPrivilege,
        consoleSessionId,
        managedSessionId,
        algorithms,
      });
    const suite = CIPHER_SUITES.find((s) => s.authentication === algorithms.authentication);
    if (suite === undefined || !this.faults.allowsSuite(suite.id))
      return answer(RAKP_STATUS.invalidAuthentication, 0);
    if (suite.integrity !== algorithms.integrity) return answer(RAKP_STATUS.invalidIntegrity, 0);
    if (suite.confidentiality !== algorithms.confidentiality)
      return answer(RAKP_STATUS.invalidConfidentiality, 0);
    const session = new Session(this.#freeId(), consoleSessionId, suite, maximumPrivilege);
    if (!this.sessions.add(session)) return answer(RAKP_STATUS.insufficientResources, 0);
    return answer(RAKP_STATUS.ok, session.id);
  }

  rakp1(payload: Uint8Array): Uint8Array {
    const { tag, managedSessionId, consoleRandom, role, username } = decodeRakp1(payload);
    const session = this.sessions.get(managedSessionId);
    const refuse = (status: number, consoleSessionId: number) => {
      this.sessions.delete(managedSessionId);
      return encodeRakp2({ tag, status, consoleSessionId, managedRandom: NONE, guid: NONE, authCode: NONE });
    };
    if (session === undefined || session.active) return refuse(RAKP_STATUS.invalidSessionId, 0);
    const consoleSessionId = session.consoleId;
    const name = Buffer.from(username).toString('latin1');
    const user = this.users.find((candidate) => candidate.name === name);
    if (user === undefined || this.faults.locked())
      return refuse(RAKP_STATUS.unauthorizedName, consoleSessionId);
    const wanted = role & 0x0f;
    if (wanted > PRIVILEGE[user.privilege]) return refuse(RAKP_STATUS.unauthorizedRole, consoleSessionId);
    session.user = user;
    session.touched = performance.now();
    if (session.handshake === undefined) {
      this.faults.loginBegun();
      this.onLogin(name);
    }
    // A repeated RAKP 1 gets the same response; with new random numbers the client's RAKP 3 would not match.
    const managedRandom = session.handshake?.managedRandom ?? nodeCrypto.random(16);
    const { guid } = this;
    session.handshake = {
      consoleSessionId,
      managedSessionId,
      consoleRandom,
      managedRandom,
      guid,
      role,
      username,
    };
    const password = this.#passwordOf(user);
    session.keys = sessionKeys(nodeCrypto, session.suite, password, session.handshake);
    const authCode = rakp2Code(nodeCrypto, session.suite, password, session.handshake);
    return encodeRakp2({ tag, status: RAKP_STATUS.ok, consoleSessionId, managedRandom, guid, authCode });
  }

  rakp3(payload: Uint8Array): Uint8Array | undefined {
    const { tag, status, managedSessionId, authCode } = decodeRakp3(payload);
    const session = this.sessions.get(managedSessionId);
    const { handshake, keys, user } = session ?? {};
    if (session === undefined || handshake === undefined || keys === undefined || user === undefined)
      return encodeRakp4({
        tag,
        status: RAKP_STATUS.invalidSessionId,
        consoleSessionId: 0,
        integrityCheck: NONE,
      });
    const { consoleSessionId } = handshake;
    if (status !== RAKP_STATUS.ok) {
      this.sessions.delete(managedSessionId); // the client aborted: our RAKP 2 did not prove the password
      return undefined;
    }
    const proof = this.faults.onProof(++session.proofs);
    if (proof === 'lost') return undefined;
    const expected = rakp3Code(nodeCrypto, session.suite, this.#passwordOf(user), handshake);
    if (proof === 'refused' || !equalBytes(expected, authCode)) {
      this.sessions.delete(managedSessionId);
      return encodeRakp4({
        tag,
        status: RAKP_STATUS.invalidIntegrityCheck,
        consoleSessionId,
        integrityCheck: NONE,
      });
    }
    this.faults.loginProven();
    session.active = true;
    session.touched = performance.now();
    const integrityCheck = rakp4Check(nodeCrypto, session.suite, keys, handshake);
    return encodeRakp4({ tag, status: RAKP_STATUS.ok, consoleSessionId, integrityCheck });
  }

  #passwordOf(user: BmcUser): Uint8Array {
    return Buffer.from(this.faults.wrongPassword() ? `not ${user.password}` : user.password, 'latin1');
  }

  #freeId(): number {
    for (;;) {
      const id = readU32(nodeCrypto.random(4), 0);
      if (id !== 0 && this.sessions.get(id) === undefined) return id;
    }
  }
}
