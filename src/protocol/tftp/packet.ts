import { MalformedPacket } from '../malformed-packet.js';

/** RFC 1350 §5; OACK from RFC 2347. */
export const OPCODE = { rrq: 1, wrq: 2, data: 3, ack: 4, error: 5, oack: 6 } as const;

/** RFC 1350 appendix; 8 from RFC 2347. */
export const TFTP_ERROR = {
  undefined: 0,
  notFound: 1,
  accessViolation: 2,
  diskFull: 3,
  illegalOperation: 4,
  unknownTransfer: 5,
  fileExists: 6,
  noSuchUser: 7,
  optionRefused: 8,
} as const;
export type TftpErrorCode = (typeof TFTP_ERROR)[keyof typeof TFTP_ERROR];

export interface TftpRequest {
  op: 'rrq' | 'wrq';
  filename: string;
  /** In lower case: octet, netascii, mail. */
  mode: string;
  /** Option names in lower case, in the requested order (RFC 2347); unreadable ones are omitted. */
  options: Map<string, string>;
}
export interface TftpData {
  op: 'data';
  /** 16 bits: it rolls over to 0 in long transfers. */
  block: number;
  bytes: Uint8Array;
}
export interface TftpAck {
  op: 'ack';
  block: number;
}
export interface TftpError {
  op: 'error';
  code: number;
  message: string;
}
export interface TftpOack {
  op: 'oack';
  options: Map<string, string>;
}
export type TftpPacket = TftpRequest | TftpData | TftpAck | TftpError | TftpOack;

/** RFC 2347 §2: a request must fit into 512 bytes. */
const MAX_REQUEST = 512;

/** @throws MalformedPacket */
export function decodeTftp(bytes: Uint8Array): TftpPacket {
  if (bytes.length < 2) throw new MalformedPacket(bytes.length, 'no opcode');
  const opcode = u16(bytes, 0);
  switch (opcode) {
    case OPCODE.rrq:
    case OPCODE.wrq: {
      if (bytes.length > MAX_REQUEST) throw new MalformedPacket(MAX_REQUEST, 'request over 512 bytes');
      const [filename, mode, ...rest] = strings(bytes, 2);
      if (filename === undefined || mode === undefined) throw new MalformedPacket(bytes.length, 'no mode');
      const op = opcode === OPCODE.rrq ? 'rrq' : 'wrq';
      return { op, filename, mode: mode.toLowerCase(), options: pairs(rest) };
    }
    case OPCODE.data:
      need(bytes, 4);
      return { op: 'data', block: u16(bytes, 2), bytes: bytes.subarray(4) };
    case OPCODE.ack:
      need(bytes, 4);
      return { op: 'ack', block: u16(bytes, 2) };
    case OPCODE.error: {
      need(bytes, 4);
      const end = bytes.indexOf(0, 4);
      // Some firmware omits the last NUL; the text is only logged.
      return { op: 'error', code: u16(bytes, 2), message: text(bytes, 4, end < 0 ? bytes.length : end) };
    }
    case OPCODE.oack:
      return { op: 'oack', options: pairs(strings(bytes, 2)) };
    default:
      throw new MalformedPacket(0, `opcode ${opcode}`);
  }
}

export function encodeTftp(packet: TftpPacket): Uint8Array {
  switch (packet.op) {
    case 'rrq':
    case 'wrq':
      return withStrings(OPCODE[packet.op], [packet.filename, packet.mode, ...[...packet.options].flat()]);
    case 'oack':
      return withStrings(OPCODE.oack, [...packet.options].flat());
    case 'ack':
      return header(OPCODE.ack, packet.block, 0);
    case 'data': {
      const bytes = header(OPCODE.data, packet.block, packet.bytes.length);
      bytes.set(packet.bytes, 4);
      return bytes;
    }
    case 'error': {
      const bytes = header(OPCODE.error, packet.code, packet.message.length + 1);
      put(bytes, 4, packet.message);
      return bytes;
    }
  }
}

/** Writes the four header bytes of a block into a buffer that already holds the block's content. */
export function putDataHeader(bytes: Uint8Array, at: number, block: number): void {
  bytes[at] = 0;
  bytes[at + 1] = OPCODE.data;
  bytes[at + 2] = (block >> 8) & 255;
  bytes[at + 3] = block & 255;
}

function need(bytes: Uint8Array, length: number): void {
  if (bytes.length < length) throw new MalformedPacket(bytes.length, 'cut short');
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** Texts ended by NUL; some firmware omits the last NUL. */
function strings(bytes: Uint8Array, start: number): string[] {
  const found: string[] = [];
  for (let at = start; at < bytes.length; ) {
    const end = bytes.indexOf(0, at);
    found.push(text(bytes, at, end < 0 ? bytes.length : end));
    at = end < 0 ? bytes.length : end + 1;
  }
  return found;
}

/**
 * Names and values. Invalid options are ignored, as RFC 2347 does with unknown ones: padding, a name without a value,
 * and an option that occurs twice, because it is unclear which one was meant.
 */
function pairs(values: string[]): Map<string, string> {
  const options = new Map<string, string>();
  const seen = new Set<string>();
  for (let i = 0; i + 1 < values.length; i += 2) {
    const name = (values[i] as string).toLowerCase();
    if (seen.has(name)) options.delete(name);
    else if (name !== '') options.set(name, values[i + 1] as string);
    seen.add(name);
  }
  return options;
}

function text(bytes: Uint8Array, start: number, end: number): string {
  let result = '';
  for (let i = start; i < end; i++) result += String.fromCharCode(bytes[i] as number);
  return result;
}

function put(bytes: Uint8Array, at: number, value: string): void {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === 0 || code > 255) throw new RangeError('text outside of Latin-1 or with NUL');
    bytes[at + i] = code;
  }
}

function withStrings(opcode: number, values: string[]): Uint8Array {
  const bytes = new Uint8Array(2 + values.reduce((sum, value) => sum + value.length + 1, 0));
  bytes[1] = opcode;
  let at = 2;
  for (const value of values) {
    put(bytes, at, value);
    at += value.length + 1;
  }
  return bytes;
}

function header(opcode: number, number: number, extra: number): Uint8Array {
  const bytes = new Uint8Array(4 + extra);
  bytes.set([0, opcode, (number >> 8) & 255, number & 255]);
  return bytes;
}
