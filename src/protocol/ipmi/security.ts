import { MalformedPacket } from '../malformed-packet.js';
import { concat, equalBytes, u32 } from './bytes.js';
import type { CipherSuite, IpmiHash } from './cipher-suite.js';
import {
  type DecodedSessionV20,
  encodeSessionV20,
  type SessionV20,
  splitTrailer,
  withPad,
} from './session-header.js';

/** The cryptographic functions that RMCP+ needs; this room has none of its own. */
export interface IpmiCrypto {
  hmac(hash: IpmiHash, key: Uint8Array, message: Uint8Array): Uint8Array;
  /** AES-128-CBC without padding; the input is a whole number of blocks. */
  encrypt(key: Uint8Array, iv: Uint8Array, plain: Uint8Array): Uint8Array;
  decrypt(key: Uint8Array, iv: Uint8Array, sealed: Uint8Array): Uint8Array;
  random(length: number): Uint8Array;
}

/** What both ends know after RAKP 2; the user's password is the key of every code in the handshake. */
export interface Handshake {
  consoleSessionId: number;
  managedSessionId: number;
  consoleRandom: Uint8Array;
  managedRandom: Uint8Array;
  /** The managed system's GUID, 16 octets. */
  guid: Uint8Array;
  role: number;
  username: Uint8Array;
}

export interface SessionKeys {
  sessionIntegrityKey: Uint8Array;
  /** Signs packets. */
  k1: Uint8Array;
  /** Its first 16 octets encrypt payloads. */
  k2: Uint8Array;
}

function nameOf(handshake: Handshake): Uint8Array {
  return concat([handshake.role, handshake.username.length], handshake.username);
}

/** Key exchange authentication code of RAKP 2, §13.31. */
export function rakp2Code(
  crypto: IpmiCrypto,
  suite: CipherSuite,
  password: Uint8Array,
  h: Handshake,
): Uint8Array {
  const ids = concat(u32(h.consoleSessionId), u32(h.managedSessionId));
  const message = concat(ids, h.consoleRandom, h.managedRandom, h.guid, nameOf(h));
  return crypto.hmac(suite.hash, password, message);
}

/** Key exchange authentication code of RAKP 3, §13.31. */
export function rakp3Code(
  crypto: IpmiCrypto,
  suite: CipherSuite,
  password: Uint8Array,
  h: Handshake,
): Uint8Array {
  return crypto.hmac(suite.hash, password, concat(h.managedRandom, u32(h.consoleSessionId), nameOf(h)));
}

/** Integrity check value of RAKP 4, §13.31. */
export function rakp4Check(
  crypto: IpmiCrypto,
  suite: CipherSuite,
  keys: SessionKeys,
  h: Handshake,
): Uint8Array {
  const message = concat(h.consoleRandom, u32(h.managedSessionId), h.guid);
  return crypto.hmac(suite.hash, keys.sessionIntegrityKey, message).slice(0, suite.integrityLength);
}

/**
 * §13.31 and §13.32. `generatorKey` is K_G, or the password on a BMC in one-key mode.
 * The constants are 20 octets for SHA-256 too: ipmitool and real BMCs use that whatever the hash's length.
 */
export function sessionKeys(
  crypto: IpmiCrypto,
  suite: CipherSuite,
  generatorKey: Uint8Array,
  h: Handshake,
): SessionKeys {
  const message = concat(h.consoleRandom, h.managedRandom, nameOf(h));
  const sessionIntegrityKey = crypto.hmac(suite.hash, generatorKey, message);
  const derive = (octet: number) =>
    crypto.hmac(suite.hash, sessionIntegrityKey, new Uint8Array(20).fill(octet));
  return { sessionIntegrityKey, k1: derive(1), k2: derive(2) };
}

/** An encrypted and signed packet: §13.29 (AES-CBC-128) inside §13.28.4 (integrity). */
export function sealPacket(
  crypto: IpmiCrypto,
  suite: CipherSuite,
  keys: SessionKeys,
  session: Omit<SessionV20, 'encrypted' | 'authenticated'>,
): Uint8Array {
  const padLength = (16 - ((session.payload.length + 1) % 16)) % 16;
  const pad = Uint8Array.from({ length: padLength }, (_, i) => i + 1);
  const iv = crypto.random(16);
  const clear = concat(session.payload, pad, [padLength]);
  const payload = concat(iv, crypto.encrypt(keys.k2.subarray(0, 16), iv, clear));
  const signed = withPad(encodeSessionV20({ ...session, encrypted: true, authenticated: true, payload }));
  return concat(signed, crypto.hmac(suite.hash, keys.k1, signed).subarray(0, suite.integrityLength));
}

/**
 * The decrypted payload of an encrypted and signed packet.
 * @param bytes the whole packet, from the authentication type on
 * @throws MalformedPacket if it is not both, or its code or padding is wrong
 */
export function openPacket(
  crypto: IpmiCrypto,
  suite: CipherSuite,
  keys: SessionKeys,
  bytes: Uint8Array,
  packet: DecodedSessionV20,
): Uint8Array {
  if (!packet.encrypted || !packet.authenticated)
    throw new MalformedPacket(1, 'in a session every packet is encrypted and signed');
  const { signed, code } = splitTrailer(bytes, packet.trailerAt, suite.integrityLength);
  const expected = crypto.hmac(suite.hash, keys.k1, signed).subarray(0, suite.integrityLength);
  if (!equalBytes(expected, code)) throw new MalformedPacket(signed.length, 'integrity code');
  const { payload } = packet;
  if (payload.length < 32 || payload.length % 16 !== 0)
    throw new MalformedPacket(12, 'sealed payload is no whole number of blocks');
  const clear = crypto.decrypt(keys.k2.subarray(0, 16), payload.subarray(0, 16), payload.subarray(16));
  const padLength = clear[clear.length - 1]!;
  // Up to 15 octets of pad; a whole block is harmless and some firmware sends it.
  if (padLength > 16 || padLength + 1 > clear.length) throw new MalformedPacket(12, 'confidentiality pad');
  return clear.subarray(0, clear.length - 1 - padLength);
}
