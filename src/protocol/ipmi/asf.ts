import { MalformedPacket } from '../malformed-packet.js';
import { concat, need } from './bytes.js';

// ASF 2.0 (DSP0136) §3.2.4: how a client finds out whether an address answers RMCP.
const ASF_IANA = [0x00, 0x00, 0x11, 0xbe];
export const ASF_TYPE = { presencePong: 0x40, presencePing: 0x80 } as const;

export interface AsfMessage {
  type: number;
  /** Matches an answer to its request; 0xff means that no answer is wanted. */
  tag: number;
  payload: Uint8Array;
}

/** @throws MalformedPacket */
export function decodeAsf(bytes: Uint8Array): AsfMessage {
  need(bytes, 0, 8, 'ASF header');
  if (ASF_IANA.some((octet, i) => bytes[i] !== octet)) throw new MalformedPacket(0, 'not the ASF enterprise');
  const length = bytes[7]!;
  need(bytes, 8, length, 'ASF payload');
  return { type: bytes[4]!, tag: bytes[5]!, payload: bytes.subarray(8, 8 + length) };
}

export function encodeAsf(message: AsfMessage): Uint8Array {
  return concat(ASF_IANA, [message.type, message.tag, 0, message.payload.length], message.payload);
}

/** §3.2.4.3: supported entities 0x81 = "IPMI supported", ASF 1.0. */
export function presencePong(tag: number): AsfMessage {
  const payload = concat(ASF_IANA, [0, 0, 0, 0, 0x81, 0, 0, 0, 0, 0, 0, 0]);
  return { type: ASF_TYPE.presencePong, tag, payload };
}
