import { MalformedPacket } from '../malformed-packet.js';
import type { CipherSuite } from './cipher-suite.js';
import { decodeMessage, type IpmiResponse } from './message.js';
import { encodeRmcpIpmi } from './rmcp.js';
import { type IpmiCrypto, openPacket, type SessionKeys, sealPacket } from './security.js';
import { SequenceWindow } from './sequence-window.js';
import { closeRequest, consoleMessage, type IpmiCall } from './session-commands.js';
import { decodeSessionV20, PAYLOAD } from './session-header.js';

/** Identity and keys of a session, as the handshake found them. */
export interface SessionIdentity {
  suite: CipherSuite;
  keys: SessionKeys;
  consoleSessionId: number;
  managedSessionId: number;
}

/** The console's end of an established RMCP+ session. Every packet is encrypted and signed. */
export class ConsoleSession {
  readonly #window = new SequenceWindow(Number.POSITIVE_INFINITY);
  #sent = 0;
  #request = 0;
  /** New requests so far. */
  requests = 0;

  constructor(
    private readonly crypto: IpmiCrypto,
    readonly identity: SessionIdentity,
  ) {}

  /** The sequence of the next new request, 1-63: a repetition keeps its own, so that the BMC can tell. */
  nextRequest(): number {
    this.requests++;
    this.#request = (this.#request % 63) + 1;
    return this.#request;
  }

  /** Close Session. */
  closing(): IpmiCall {
    return closeRequest(this.identity.managedSessionId);
  }

  /** The packet of a Close Session whose answer nobody waits for. */
  farewell(): Uint8Array {
    return this.seal(this.closing(), this.nextRequest());
  }

  /** A packet with the command. A repetition has the same `sequence`, in a packet of a new session sequence number. */
  seal(call: IpmiCall, sequence: number): Uint8Array {
    this.#sent = this.#sent === 0xffffffff ? 1 : this.#sent + 1;
    const { suite, keys, managedSessionId } = this.identity;
    const packet = sealPacket(this.crypto, suite, keys, {
      payloadType: PAYLOAD.ipmi,
      sessionId: managedSessionId,
      sequence: this.#sent,
      payload: consoleMessage(call, sequence),
    });
    return encodeRmcpIpmi(packet);
  }

  /**
   * @param bytes from the session header on
   * @returns the response in it
   * @throws MalformedPacket for a packet that is forged, repeated, of another session, or no response
   */
  open(bytes: Uint8Array): IpmiResponse {
    const packet = decodeSessionV20(bytes);
    const { suite, keys, consoleSessionId } = this.identity;
    if (packet.sessionId !== consoleSessionId) throw new MalformedPacket(2, 'another session');
    if (packet.payloadType !== PAYLOAD.ipmi) throw new MalformedPacket(1, 'no IPMI message');
    const payload = openPacket(this.crypto, suite, keys, bytes, packet);
    if (!this.#window.accept(packet.sequence)) throw new MalformedPacket(6, 'a repeated sequence number');
    const message = decodeMessage(payload, true);
    if (message.kind !== 'response') throw new MalformedPacket(1, 'a request, not a response');
    return message;
  }
}

/** Whether a response belongs to that request. */
export function isAnswerTo(response: IpmiResponse, call: IpmiCall, sequence: number): boolean {
  const { netFn, command } = response;
  return response.sequence === sequence && netFn === call.netFn && command === call.command;
}
