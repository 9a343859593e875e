import { MalformedPacket } from '../malformed-packet.js';
import { concat, need, readU32, u32 } from './bytes.js';

/** RMCP+ and RAKP status codes, IPMI 2.0 table 13-15. */
export const RAKP_STATUS = {
  ok: 0x00,
  insufficientResources: 0x01,
  invalidSessionId: 0x02,
  invalidAuthentication: 0x04,
  invalidIntegrity: 0x05,
  noMatchingAuthentication: 0x06,
  noMatchingIntegrity: 0x07,
  inactiveSessionId: 0x08,
  invalidRole: 0x09,
  unauthorizedRole: 0x0a,
  invalidNameLength: 0x0c,
  unauthorizedName: 0x0d,
  invalidIntegrityCheck: 0x0f,
  invalidConfidentiality: 0x10,
  noMatchingSuite: 0x11,
} as const;

export interface Algorithms {
  authentication: number;
  integrity: number;
  confidentiality: number;
}

/** §13.17. */
export interface OpenSessionRequest {
  tag: number;
  /** 0 requests the highest level that fits the algorithms. */
  maximumPrivilege: number;
  consoleSessionId: number;
  algorithms: Algorithms;
}
/** §13.18. If the status is not ok, only tag, status and the console's id are sent. */
export interface OpenSessionResponse {
  tag: number;
  status: number;
  maximumPrivilege: number;
  consoleSessionId: number;
  managedSessionId: number;
  algorithms: Algorithms;
}
/** §13.20. */
export interface Rakp1 {
  tag: number;
  managedSessionId: number;
  consoleRandom: Uint8Array;
  /** Low nibble: requested privilege; bit 4: look the user up by name only. */
  role: number;
  /** At most 16 octets. */
  username: Uint8Array;
}
/** §13.21. */
export interface Rakp2 {
  tag: number;
  status: number;
  consoleSessionId: number;
  managedRandom: Uint8Array;
  guid: Uint8Array;
  authCode: Uint8Array;
}
/** §13.22. */
export interface Rakp3 {
  tag: number;
  status: number;
  managedSessionId: number;
  authCode: Uint8Array;
}
/** §13.23. */
export interface Rakp4 {
  tag: number;
  status: number;
  consoleSessionId: number;
  integrityCheck: Uint8Array;
}

const EMPTY = new Uint8Array(0);
const NO_ALGORITHMS: Algorithms = { authentication: 0, integrity: 0, confidentiality: 0 };

function encodeAlgorithms(chosen: Algorithms): Uint8Array {
  const numbers = [chosen.authentication, chosen.integrity, chosen.confidentiality];
  return concat(...numbers.map((number, type) => [type, 0, 0, 8, number, 0, 0, 0]));
}

function decodeAlgorithms(bytes: Uint8Array, offset: number): Algorithms {
  need(bytes, offset, 24, 'algorithm payloads');
  const [authentication, integrity, confidentiality] = [0, 1, 2].map((type) => {
    const at = offset + type * 8;
    if (bytes[at] !== type) throw new MalformedPacket(at, 'algorithm payload type out of order');
    // Length 0 is a wildcard ("any you like"); nothing but 8 and 0 is defined.
    if (bytes[at + 3] !== 8) throw new MalformedPacket(at + 3, 'algorithm payload length');
    return bytes[at + 4]! & 0x3f;
  });
  return {
    authentication: authentication!,
    integrity: integrity!,
    confidentiality: confidentiality!,
  };
}

/** Some BMCs, OpenIPMI's too, end a refusal after its status: the console's number is 0 then. */
function decodeStatus(bytes: Uint8Array, what: string) {
  need(bytes, 0, 2, what);
  const [tag = 0, status = 0] = bytes;
  if (status === RAKP_STATUS.ok) need(bytes, 0, 8, what);
  return { tag, status, consoleSessionId: bytes.length < 8 ? 0 : readU32(bytes, 4) };
}

/** @throws MalformedPacket */
export function decodeOpenSessionRequest(bytes: Uint8Array): OpenSessionRequest {
  need(bytes, 0, 32, 'open session request');
  return {
    tag: bytes[0]!,
    maximumPrivilege: bytes[1]! & 0x0f,
    consoleSessionId: readU32(bytes, 4),
    algorithms: decodeAlgorithms(bytes, 8),
  };
}

export function encodeOpenSessionRequest(request: OpenSessionRequest): Uint8Array {
  return concat(
    [request.tag, request.maximumPrivilege, 0, 0],
    u32(request.consoleSessionId),
    encodeAlgorithms(request.algorithms),
  );
}

/** @throws MalformedPacket */
export function decodeOpenSessionResponse(bytes: Uint8Array): OpenSessionResponse {
  const head = { ...decodeStatus(bytes, 'open session response'), maximumPrivilege: (bytes[2] ?? 0) & 0x0f };
  if (head.status !== RAKP_STATUS.ok) return { ...head, managedSessionId: 0, algorithms: NO_ALGORITHMS };
  need(bytes, 8, 28, 'open session response');
  return { ...head, managedSessionId: readU32(bytes, 8), algorithms: decodeAlgorithms(bytes, 12) };
}

export function encodeOpenSessionResponse(response: OpenSessionResponse): Uint8Array {
  const head = concat(
    [response.tag, response.status, response.maximumPrivilege, 0],
    u32(response.consoleSessionId),
  );
  if (response.status !== RAKP_STATUS.ok) return head;
  return concat(head, u32(response.managedSessionId), encodeAlgorithms(response.algorithms));
}

/** @throws MalformedPacket */
export function decodeRakp1(bytes: Uint8Array): Rakp1 {
  need(bytes, 0, 28, 'RAKP 1');
  const length = bytes[27]!;
  if (length > 16) throw new MalformedPacket(27, 'user name longer than 16');
  need(bytes, 28, length, 'RAKP 1 user name');
  return {
    tag: bytes[0]!,
    managedSessionId: readU32(bytes, 4),
    consoleRandom: bytes.slice(8, 24),
    role: bytes[24]!,
    username: bytes.slice(28, 28 + length),
  };
}

export function encodeRakp1(message: Rakp1): Uint8Array {
  return concat(
    [message.tag, 0, 0, 0],
    u32(message.managedSessionId),
    message.consoleRandom,
    [message.role, 0, 0, message.username.length],
    message.username,
  );
}

/** @throws MalformedPacket */
export function decodeRakp2(bytes: Uint8Array): Rakp2 {
  const head = decodeStatus(bytes, 'RAKP 2');
  if (head.status !== RAKP_STATUS.ok) return { ...head, managedRandom: EMPTY, guid: EMPTY, authCode: EMPTY };
  need(bytes, 8, 32, 'RAKP 2');
  const [managedRandom, guid, authCode] = [bytes.slice(8, 24), bytes.slice(24, 40), bytes.slice(40)];
  return { ...head, managedRandom, guid, authCode };
}

export function encodeRakp2(message: Rakp2): Uint8Array {
  const head = concat([message.tag, message.status, 0, 0], u32(message.consoleSessionId));
  if (message.status !== RAKP_STATUS.ok) return head;
  return concat(head, message.managedRandom, message.guid, message.authCode);
}

/** @throws MalformedPacket */
export function decodeRakp3(bytes: Uint8Array): Rakp3 {
  need(bytes, 0, 8, 'RAKP 3');
  const [tag, status] = bytes as unknown as [number, number];
  return { tag, status, managedSessionId: readU32(bytes, 4), authCode: bytes.slice(8) };
}

export function encodeRakp3(message: Rakp3): Uint8Array {
  return concat([message.tag, message.status, 0, 0], u32(message.managedSessionId), message.authCode);
}

/** @throws MalformedPacket */
export function decodeRakp4(bytes: Uint8Array): Rakp4 {
  return { ...decodeStatus(bytes, 'RAKP 4'), integrityCheck: bytes.slice(8) };
}

export function encodeRakp4(message: Rakp4): Uint8Array {
  return concat([message.tag, message.status, 0, 0], u32(message.consoleSessionId), message.integrityCheck);
}
