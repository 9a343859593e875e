import { MalformedPacket } from '../malformed-packet.js';
import { concat, need, readU16, readU32, u16, u32 } from './bytes.js';

/** Authentication types of the first octet after RMCP, table 13-8. */
export const AUTH_TYPE = { none: 0, md2: 1, md5: 2, password: 4, oem: 5, rmcpPlus: 6 } as const;
export const PAYLOAD = {
  ipmi: 0x00,
  sol: 0x01,
  oem: 0x02,
  openSessionRequest: 0x10,
  openSessionResponse: 0x11,
  rakp1: 0x12,
  rakp2: 0x13,
  rakp3: 0x14,
  rakp4: 0x15,
} as const;
const NEXT_HEADER = 0x07;

/** IPMI 1.5 session wrapper, §13.6. */
export interface SessionV15 {
  authType: number;
  sequence: number;
  sessionId: number;
  /** 16 octets, absent when authType is none. */
  authCode?: Uint8Array;
  payload: Uint8Array;
}

/** @throws MalformedPacket */
export function decodeSessionV15(bytes: Uint8Array): SessionV15 {
  need(bytes, 0, 10, 'IPMI 1.5 session header');
  const authType = bytes[0]!;
  if (authType === AUTH_TYPE.rmcpPlus) throw new MalformedPacket(0, 'an RMCP+ header, not an IPMI 1.5 one');
  const withCode = authType !== AUTH_TYPE.none;
  const lengthAt = withCode ? 25 : 9;
  need(bytes, 0, lengthAt + 1, 'IPMI 1.5 session header');
  const length = bytes[lengthAt]!;
  need(bytes, lengthAt + 1, length, 'IPMI 1.5 payload');
  return {
    authType,
    sequence: readU32(bytes, 1),
    sessionId: readU32(bytes, 5),
    ...(withCode ? { authCode: bytes.subarray(9, 25) } : {}),
    payload: bytes.subarray(lengthAt + 1, lengthAt + 1 + length),
  };
}

export function encodeSessionV15(session: SessionV15): Uint8Array {
  return concat(
    [session.authType],
    u32(session.sequence),
    u32(session.sessionId),
    session.authCode ?? [],
    [session.payload.length],
    session.payload,
  );
}

/** RMCP+ session wrapper, §13.6. The payload of an encrypted packet is still encrypted. */
export interface SessionV20 {
  payloadType: number;
  encrypted: boolean;
  authenticated: boolean;
  sessionId: number;
  /** 0 outside a session. */
  sequence: number;
  payload: Uint8Array;
}

export interface DecodedSessionV20 extends SessionV20 {
  /** Offset of the session trailer in the given bytes; `splitTrailer` continues there. */
  trailerAt: number;
}

/** @throws MalformedPacket, also for OEM payloads, whose header is not supported */
export function decodeSessionV20(bytes: Uint8Array): DecodedSessionV20 {
  need(bytes, 0, 12, 'RMCP+ session header');
  if (bytes[0] !== AUTH_TYPE.rmcpPlus) throw new MalformedPacket(0, 'not an RMCP+ header');
  const payloadType = bytes[1]! & 0x3f;
  if (payloadType === PAYLOAD.oem) throw new MalformedPacket(1, 'OEM payload');
  const length = readU16(bytes, 10);
  need(bytes, 12, length, 'RMCP+ payload');
  return {
    payloadType,
    encrypted: (bytes[1]! & 0x80) !== 0,
    authenticated: (bytes[1]! & 0x40) !== 0,
    sessionId: readU32(bytes, 2),
    sequence: readU32(bytes, 6),
    payload: bytes.subarray(12, 12 + length),
    trailerAt: 12 + length,
  };
}

/** Header and payload; `withPad` and the integrity code follow when the packet is authenticated. */
export function encodeSessionV20(session: SessionV20): Uint8Array {
  const flags = (session.encrypted ? 0x80 : 0) | (session.authenticated ? 0x40 : 0);
  return concat(
    [AUTH_TYPE.rmcpPlus, session.payloadType | flags],
    u32(session.sessionId),
    u32(session.sequence),
    u16(session.payload.length),
    session.payload,
  );
}

/** Adds the integrity pad, its length and the next-header octet: the code signs all of it (§13.28.4). */
export function withPad(packet: Uint8Array): Uint8Array {
  const length = (4 - ((packet.length + 2) % 4)) % 4;
  return concat(packet, new Uint8Array(length).fill(0xff), [length, NEXT_HEADER]);
}

/**
 * Splits an authenticated packet into the signed octets and the code that signs them.
 * @throws MalformedPacket if pad and lengths do not match
 */
export function splitTrailer(
  bytes: Uint8Array,
  trailerAt: number,
  codeLength: number,
): { signed: Uint8Array; code: Uint8Array } {
  const codeAt = bytes.length - codeLength;
  if (codeAt < trailerAt + 2) throw new MalformedPacket(bytes.length, 'session trailer is cut short');
  if (bytes[codeAt - 1] !== NEXT_HEADER) throw new MalformedPacket(codeAt - 1, 'next header is not 7');
  if (bytes[codeAt - 2] !== codeAt - 2 - trailerAt)
    throw new MalformedPacket(codeAt - 2, 'integrity pad length does not fit');
  return { signed: bytes.subarray(0, codeAt), code: bytes.subarray(codeAt) };
}
