/** Value types of options. An option whose length does not fit its type is skipped when a packet is decoded. */
interface ValueByType {
  ip: string; // one dotted address
  ips: string[]; // one or more
  u8: number;
  u16: number;
  u16s: number[]; // one or more
  u32: number; // seconds where it is a time
  text: string; // without trailing NULs
  codes: number[]; // option codes, one byte each
  bytes: Uint8Array;
}
export type OptionType = keyof ValueByType;

export interface OptionRow {
  code: number;
  name: string;
  type: OptionType;
  /** The RFC that defines it. */
  rfc: string;
  /** Exact length in bytes, for a `bytes` option that has one. */
  length?: number;
  /** Smallest length, if it is more than one byte. */
  least?: number;
}

/** The options that this program reads or writes. All others are kept as bytes. */
export const OPTIONS = [
  { code: 1, name: 'subnet_mask', type: 'ip', rfc: 'RFC 2132 §3.3' },
  { code: 3, name: 'routers', type: 'ips', rfc: 'RFC 2132 §3.5' },
  { code: 6, name: 'dns_servers', type: 'ips', rfc: 'RFC 2132 §3.8' },
  { code: 12, name: 'host_name', type: 'text', rfc: 'RFC 2132 §3.14' },
  { code: 15, name: 'domain_name', type: 'text', rfc: 'RFC 2132 §3.17' },
  { code: 26, name: 'interface_mtu', type: 'u16', rfc: 'RFC 2132 §5.1' },
  { code: 28, name: 'broadcast_address', type: 'ip', rfc: 'RFC 2132 §5.3' },
  { code: 42, name: 'ntp_servers', type: 'ips', rfc: 'RFC 2132 §8.3' },
  { code: 43, name: 'vendor_options', type: 'bytes', rfc: 'RFC 2132 §8.4, PXE 2.1 §2.2.3' },
  { code: 50, name: 'requested_address', type: 'ip', rfc: 'RFC 2132 §9.1' },
  { code: 51, name: 'lease_time', type: 'u32', rfc: 'RFC 2132 §9.2' },
  { code: 52, name: 'overload', type: 'u8', rfc: 'RFC 2132 §9.3' },
  { code: 53, name: 'message_type', type: 'u8', rfc: 'RFC 2132 §9.6' },
  { code: 54, name: 'server_id', type: 'ip', rfc: 'RFC 2132 §9.7' },
  { code: 55, name: 'parameter_list', type: 'codes', rfc: 'RFC 2132 §9.8' },
  { code: 56, name: 'message', type: 'text', rfc: 'RFC 2132 §9.9' },
  { code: 57, name: 'max_message_size', type: 'u16', rfc: 'RFC 2132 §9.10' },
  { code: 58, name: 'renewal_time', type: 'u32', rfc: 'RFC 2132 §9.11' },
  { code: 59, name: 'rebinding_time', type: 'u32', rfc: 'RFC 2132 §9.12' },
  { code: 60, name: 'vendor_class', type: 'text', rfc: 'RFC 2132 §9.13' },
  { code: 61, name: 'client_id', type: 'bytes', rfc: 'RFC 2132 §9.14', least: 2 },
  { code: 66, name: 'tftp_server_name', type: 'text', rfc: 'RFC 2132 §9.4' },
  { code: 67, name: 'boot_file_name', type: 'text', rfc: 'RFC 2132 §9.5' },
  { code: 77, name: 'user_class', type: 'bytes', rfc: 'RFC 3004 §4' },
  { code: 82, name: 'relay_agent', type: 'bytes', rfc: 'RFC 3046 §2.0', least: 2 },
  { code: 93, name: 'client_arch', type: 'u16s', rfc: 'RFC 4578 §2.1' },
  { code: 94, name: 'client_interface', type: 'bytes', rfc: 'RFC 4578 §2.2', length: 3 },
  { code: 97, name: 'client_uuid', type: 'bytes', rfc: 'RFC 4578 §2.3', length: 17 },
  { code: 118, name: 'subnet_selection', type: 'ip', rfc: 'RFC 3011 §3' },
  { code: 150, name: 'tftp_server_addresses', type: 'ips', rfc: 'RFC 5859 §2' },
  {
    code: 175,
    name: 'ipxe',
    type: 'bytes',
    rfc: 'Etherboot, assigned in RFC 3942; iPXE src/include/ipxe/dhcp.h',
  },
] as const satisfies readonly OptionRow[];

export type OptionName = (typeof OPTIONS)[number]['name'];
type OptionValues = { [R in (typeof OPTIONS)[number] as R['name']]: ValueByType[R['type']] };
export type OptionValue<N extends OptionName> = OptionValues[N];

/** Code to value bytes, in the order of the packet. */
export type OptionMap = Map<number, Uint8Array>;

export const PAD = 0;
export const END = 255;
export const OVERLOAD = 52;

const byCode = new Map<number, OptionRow>(OPTIONS.map((row) => [row.code, row]));
const byName = new Map<string, OptionRow>(OPTIONS.map((row) => [row.name, row]));

/** Why these bytes cannot be the value of option `code`, or null if they can. */
export function optionFault(code: number, value: Uint8Array): string | null {
  const row = byCode.get(code);
  if (!row || lengthFits(row, value.length)) return null;
  return `option ${code} (${row.name}) has ${value.length} bytes`;
}

function lengthFits(row: OptionRow, length: number): boolean {
  switch (row.type) {
    case 'ip':
    case 'u32':
      return length === 4;
    case 'ips':
      return length > 0 && length % 4 === 0;
    case 'u8':
      return length === 1;
    case 'u16':
      return length === 2;
    case 'u16s':
      return length > 0 && length % 2 === 0;
    case 'text':
    case 'codes':
      return length > 0;
    case 'bytes':
      return row.length === undefined ? length >= (row.least ?? 1) : length === row.length;
  }
}

/** The option's value, or undefined if it was not sent. The map must come from `decodeDhcp4` or `setOption`. */
export function getOption<N extends OptionName>(options: OptionMap, name: N): OptionValue<N> | undefined {
  const row = byName.get(name) as OptionRow;
  const bytes = options.get(row.code);
  return bytes === undefined ? undefined : (read(row.type, bytes) as OptionValue<N>);
}

/**
 * Adds or replaces an option.
 * @throws RangeError for a value that the option cannot have: reading is lenient, writing is not
 */
export function setOption<N extends OptionName>(options: OptionMap, name: N, value: OptionValue<N>): void {
  const row = byName.get(name) as OptionRow;
  const bytes = write(row.type, value);
  const fault = optionFault(row.code, bytes);
  if (fault) throw new RangeError(fault);
  options.set(row.code, bytes);
}

function read(type: OptionType, bytes: Uint8Array): ValueByType[OptionType] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (type) {
    case 'ip':
      return formatAddress(bytes, 0);
    case 'ips':
      return Array.from({ length: bytes.length / 4 }, (_, i) => formatAddress(bytes, i * 4));
    case 'u8':
      return view.getUint8(0);
    case 'u16':
      return view.getUint16(0);
    case 'u16s':
      return Array.from({ length: bytes.length / 2 }, (_, i) => view.getUint16(i * 2));
    case 'u32':
      return view.getUint32(0);
    case 'codes':
      return [...bytes];
    case 'text':
      return latin1(bytes).replace(/\0+$/, '');
    case 'bytes':
      return bytes;
  }
}

function write(type: OptionType, value: ValueByType[OptionType]): Uint8Array {
  switch (type) {
    case 'ip':
      return parseAddress(value as string);
    case 'ips':
      return concat((value as string[]).map(parseAddress));
    case 'u8':
      return Uint8Array.of(whole(value as number, 8));
    case 'u16':
      return u16s([value as number]);
    case 'u16s':
      return u16s(value as number[]);
    case 'u32': {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, whole(value as number, 32));
      return bytes;
    }
    case 'codes':
      return Uint8Array.from(value as number[], (code) => whole(code, 8));
    case 'text':
      return fromLatin1(value as string);
    case 'bytes':
      return value as Uint8Array;
  }
}

function whole(value: number, bits: number): number {
  if (Number.isInteger(value) && value >= 0 && value < 2 ** bits) return value;
  throw new RangeError(`not a whole number of ${bits} bits: ${value}`);
}

function u16s(values: number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 2);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    view.setUint16(i * 2, whole(value, 16));
  });
  return bytes;
}

export function formatAddress(bytes: Uint8Array, offset: number): string {
  return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}`;
}

/**
 * @param address four decimal numbers with dots
 * @throws RangeError for anything else: addresses given here are our own, validated in the configuration
 */
export function parseAddress(address: string): Uint8Array {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address);
  const numbers = parts?.slice(1).map(Number);
  if (!numbers || numbers.some((n) => n > 255)) throw new RangeError(`not an IPv4 address: ${address}`);
  return Uint8Array.from(numbers);
}

/** Sub-options of option 43 or 82: code, length, value. Used for PXE's own options (PXE 2.1 table 2-1). */
export function encodeSubOptions(rows: readonly (readonly [code: number, value: Uint8Array])[]): Uint8Array {
  return concat([
    ...rows.flatMap(([code, value]) => [Uint8Array.of(code, value.length), value]),
    Uint8Array.of(END),
  ]);
}

/**
 * Reads sub-options; everything after a truncated one is omitted.
 * @returns the first value of a code that occurs twice
 */
export function subOptions(bytes: Uint8Array): Map<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  for (let at = 0; at + 2 <= bytes.length && bytes[at] !== END; ) {
    const code = bytes[at] as number;
    if (code === PAD) {
      at++;
      continue;
    }
    const end = at + 2 + (bytes[at + 1] as number);
    if (end > bytes.length) break;
    if (!found.has(code)) found.set(code, bytes.subarray(at + 2, end));
    at = end;
  }
  return found;
}

/**
 * The user classes that a client sent. In RFC 3004 a length precedes each; iPXE and others send the bare text, which is
 * recognized because it does not parse as a list.
 */
export function userClasses(bytes: Uint8Array): string[] {
  const classes: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes[at] as number;
    if (length === 0 || at + 1 + length > bytes.length) return [latin1(bytes).replace(/\0+$/, '')];
    classes.push(latin1(bytes.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
  }
  return classes;
}

export function latin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

export function fromLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255) throw new RangeError('text outside of Latin-1');
    bytes[i] = code;
  }
  return bytes;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
