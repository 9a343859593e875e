import { MalformedPacket } from '../malformed-packet.js';
import {
  concat,
  END,
  formatAddress,
  fromLatin1,
  latin1,
  type OptionMap,
  OVERLOAD,
  optionFault,
  PAD,
  parseAddress,
} from './options.js';

/** RFC 2132 §9.6. */
export const MESSAGE_TYPE = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
  inform: 8,
} as const;
export type MessageType = (typeof MESSAGE_TYPE)[keyof typeof MESSAGE_TYPE];

/** A BOOTP message with DHCP options (RFC 2131 §2). Addresses are dotted text, `0.0.0.0` for none. */
export interface Dhcp4Packet {
  op: 'request' | 'reply';
  /** Hardware type, RFC 1700: 1 is Ethernet, 32 InfiniBand. */
  htype: number;
  hops: number;
  xid: number;
  /** Seconds since the client began. */
  secs: number;
  /** The top bit requests broadcast answers. */
  flags: number;
  ciaddr: string;
  yiaddr: string;
  siaddr: string;
  giaddr: string;
  /** `hlen` bytes, at most 16. */
  chaddr: Uint8Array;
  /** Empty if the field holds options. */
  sname: string;
  /** Empty if the field holds options. */
  file: string;
  options: OptionMap;
  /** Only of a decoded packet: the options that were skipped, and why. */
  faults?: readonly string[];
}

export const BROADCAST_FLAG = 0x8000;
export const NO_ADDRESS = '0.0.0.0';

const SNAME = 44;
const FILE = 108;
const COOKIE = 236;
const OPTIONS_START = 240;
const MAGIC = 0x63825363; // RFC 2131 §3
/** Smallest BOOTP message (RFC 951): relays and old firmware drop shorter ones. */
const MIN_LENGTH = 300;

/**
 * Decodes a datagram. Options split over several instances are joined (RFC 3396), including those in `file` and `sname`
 * if option 52 announces them; unknown options keep their bytes. An invalid option is skipped and recorded in `faults`:
 * the rest of the packet is still used.
 * @throws MalformedPacket if the header is invalid
 */
export function decodeDhcp4(bytes: Uint8Array): Dhcp4Packet {
  if (bytes.length < OPTIONS_START) throw new MalformedPacket(bytes.length, 'shorter than a DHCP header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const op = bytes[0];
  if (op !== 1 && op !== 2) throw new MalformedPacket(0, `op is ${op}`);
  const hlen = bytes[2] as number;
  if (hlen > 16) throw new MalformedPacket(2, `hardware address of ${hlen} bytes`);
  if (view.getUint32(COOKIE) !== MAGIC) throw new MalformedPacket(COOKIE, 'no DHCP magic cookie');

  const found: Found = { parts: new Map(), faults: [] };
  scan(bytes, OPTIONS_START, bytes.length, found);
  const overload = readOverload(found);
  // RFC 3396 §5: options, then file, then sname.
  if (overload & 1) scanField(bytes, FILE, COOKIE, found);
  if (overload & 2) scanField(bytes, SNAME, FILE, found);
  const options = join(found);

  return {
    op: op === 1 ? 'request' : 'reply',
    htype: bytes[1] as number,
    hops: bytes[3] as number,
    xid: view.getUint32(4),
    secs: view.getUint16(8),
    flags: view.getUint16(10),
    ciaddr: formatAddress(bytes, 12),
    yiaddr: formatAddress(bytes, 16),
    siaddr: formatAddress(bytes, 20),
    giaddr: formatAddress(bytes, 24),
    chaddr: bytes.slice(28, 28 + hlen),
    sname: overload & 2 ? '' : fieldText(bytes, SNAME, FILE),
    file: overload & 1 ? '' : fieldText(bytes, FILE, COOKIE),
    options,
    ...(found.faults.length > 0 ? { faults: found.faults } : {}),
  };
}

interface Found {
  parts: Map<number, Uint8Array[]>;
  faults: string[];
}

/** Reads code, length, value from `start` to End or `limit`. Nothing can be read after a truncated option. */
function scan(bytes: Uint8Array, start: number, limit: number, found: Found): void {
  for (let at = start; at < limit; ) {
    const code = bytes[at] as number;
    if (code === END) return;
    if (code === PAD) {
      at++;
      continue;
    }
    const end = at + 2 + (bytes[at + 1] ?? 0);
    if (at + 2 > limit || end > limit) {
      found.faults.push(`option ${code} at byte ${at} runs over the end`);
      return;
    }
    const parts = found.parts.get(code);
    if (parts) parts.push(bytes.subarray(at + 2, end));
    else found.parts.set(code, [bytes.subarray(at + 2, end)]);
    at = end;
  }
}

function readOverload(found: Found): number {
  const parts = found.parts.get(OVERLOAD);
  if (!parts) return 0;
  const value = parts[0]?.[0];
  if (parts.length === 1 && parts[0]?.length === 1 && value !== undefined && value >= 1 && value <= 3)
    return value;
  found.faults.push('option 52 (overload) is not 1, 2 or 3');
  found.parts.delete(OVERLOAD);
  return 0;
}

/** A header field used for options must not redirect the reader to another field. */
function scanField(bytes: Uint8Array, start: number, limit: number, found: Found): void {
  const before = found.parts.get(OVERLOAD)?.length ?? 0;
  scan(bytes, start, limit, found);
  const parts = found.parts.get(OVERLOAD);
  if (parts && parts.length > before) {
    parts.length = before;
    found.faults.push(`option 52 (overload) inside the overloaded field at byte ${start}`);
  }
}

function join(found: Found): OptionMap {
  const options: OptionMap = new Map();
  for (const [code, parts] of found.parts) {
    const value = concat(parts);
    const fault = optionFault(code, value);
    if (fault) found.faults.push(fault);
    // Some clients repeat an option that cannot be split: they mean its first instance.
    const first = parts.length > 1 ? (parts[0] as Uint8Array) : null;
    if (!fault) options.set(code, value);
    else if (first && optionFault(code, first) === null) options.set(code, first.slice());
  }
  return options;
}

function fieldText(bytes: Uint8Array, start: number, limit: number): string {
  const end = bytes.subarray(start, limit).indexOf(0);
  return latin1(bytes.subarray(start, end < 0 ? limit : start + end));
}

/**
 * Encodes a datagram: options in the order of the map, values over 255 bytes split (RFC 3396), padded to the smallest
 * BOOTP length. Fields are never overloaded.
 * @throws RangeError for a text that is too long for its field, an invalid address or an option of impossible length:
 * faults of the caller
 */
export function encodeDhcp4(packet: Dhcp4Packet): Uint8Array {
  if (packet.chaddr.length > 16) throw new RangeError('hardware address over 16 bytes');
  let length = OPTIONS_START + 1;
  for (const [code, value] of packet.options) {
    const fault = optionFault(code, value);
    if (fault) throw new RangeError(fault);
    length += value.length + 2 * Math.max(1, Math.ceil(value.length / 255));
  }
  const bytes = new Uint8Array(Math.max(length, MIN_LENGTH));
  const view = new DataView(bytes.buffer);
  bytes[0] = packet.op === 'request' ? 1 : 2;
  bytes[1] = packet.htype;
  bytes[2] = packet.chaddr.length;
  bytes[3] = packet.hops;
  view.setUint32(4, packet.xid);
  view.setUint16(8, packet.secs);
  view.setUint16(10, packet.flags);
  bytes.set(parseAddress(packet.ciaddr), 12);
  bytes.set(parseAddress(packet.yiaddr), 16);
  bytes.set(parseAddress(packet.siaddr), 20);
  bytes.set(parseAddress(packet.giaddr), 24);
  bytes.set(packet.chaddr, 28);
  putField(bytes, SNAME, FILE, packet.sname);
  putField(bytes, FILE, COOKIE, packet.file);
  view.setUint32(COOKIE, MAGIC);
  let at = OPTIONS_START;
  for (const [code, value] of packet.options) {
    for (let from = 0; from === 0 || from < value.length; from += 255) {
      const part = value.subarray(from, from + 255);
      bytes[at] = code;
      bytes[at + 1] = part.length;
      bytes.set(part, at + 2);
      at += 2 + part.length;
    }
  }
  bytes[at] = END;
  return bytes;
}

/** The last byte stays 0: readers expect a terminated text. */
function putField(bytes: Uint8Array, start: number, limit: number, text: string): void {
  const field = fromLatin1(text);
  if (field.length >= limit - start) throw new RangeError(`text of ${field.length} bytes in a header field`);
  bytes.set(field, start);
}

/** `aa:bb:cc:dd:ee:ff` */
export function formatMac(chaddr: Uint8Array): string {
  return Array.from(chaddr, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}
