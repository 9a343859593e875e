import { MAU_TYPES, PHYSICAL_CAPABILITIES } from './mau.js';

/** TLVs of an LLDP neighbour (IEEE 802.1AB-2016 §8), under Ironic's names for their values. */

export type LldpValue = string | number | boolean | string[] | number[] | { name: string; id: number }[];
export type LldpValues = Record<string, LldpValue>;

export const TLV = { chassisId: 1, portId: 2, systemName: 5 } as const;

/** §8.4: nine bits of length. */
const MOST_BYTES = 511;
/** TLVs of one neighbour; more than any neighbour sends. */
const MOST_TLVS = 128;
const CAPABILITIES = [
  [1, 'Repeater'],
  [2, 'Bridge'],
  [3, 'WLAN'],
  [4, 'Router'],
  [5, 'Telephone'],
  [6, 'DOCSIS cable device'],
  [7, 'Station only'],
  [8, 'C-Vlan'],
  [9, 'S-Vlan'],
  [10, 'TPMR'],
] as const;

/** @param hex as ramdisks send it @returns null if it is no value of a TLV */
export function tlvBytes(hex: unknown): Uint8Array | null {
  if (typeof hex !== 'string' || hex.length > 2 * MOST_BYTES || !/^([0-9a-f]{2})*$/i.test(hex)) return null;
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/**
 * @param tlvs pairs of type and value in hexadecimal; unreadable ones are skipped. The first value of a name is kept;
 *   a name with a list collects all
 */
export function readTlvs(tlvs: unknown): LldpValues {
  const values: LldpValues = {};
  if (!Array.isArray(tlvs)) return values;
  for (const pair of tlvs.slice(0, MOST_TLVS) as unknown[]) {
    if (!Array.isArray(pair) || typeof pair[0] !== 'number') continue;
    const bytes = tlvBytes(pair[1]);
    if (bytes) basic(pair[0], bytes, values);
  }
  return values;
}

/** A chassis id that is a MAC address (§8.5.2.2 subtype 4). */
export function chassisMac(bytes: Uint8Array): string | null {
  return bytes[0] === 4 ? macText(bytes.subarray(1)) : null;
}

/** §8.5.3. @returns null for an id of a subtype without text */
export function portIdText(bytes: Uint8Array): string | null {
  return identity(bytes, { mac: 3, address: 4, texts: [1, 2, 5, 7] });
}

export function utf8(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.includes('\0') ? null : text;
  } catch {
    return null; // not UTF-8
  }
}

function basic(type: number, bytes: Uint8Array, values: LldpValues): void {
  switch (type) {
    case TLV.chassisId:
      put(values, 'switch_chassis_id', identity(bytes, { mac: 4, address: 5, texts: [1, 2, 3, 6, 7] }));
      return;
    case TLV.portId:
      put(values, 'switch_port_id', portIdText(bytes));
      return;
    case 4:
      put(values, 'switch_port_description', utf8(bytes));
      return;
    case TLV.systemName:
      put(values, 'switch_system_name', utf8(bytes));
      return;
    case 6:
      put(values, 'switch_system_description', utf8(bytes));
      return;
    case 7:
      if (bytes.length !== 4) return;
      put(values, 'switch_capabilities_support', capabilities(number(bytes, 0, 2)));
      put(values, 'switch_capabilities_enabled', capabilities(number(bytes, 2, 2)));
      return;
    case 8: // §8.5.9: length, of which one is the family
      add(values, 'switch_mgmt_addresses', addressText(bytes.subarray(1, 1 + (bytes[0] ?? 0))));
      return;
    case 127:
      organisation(bytes, values);
      return;
    default:
  }
}

/** IEEE 802.1Q annex D and 802.3 §79. */
function organisation(bytes: Uint8Array, values: LldpValues): void {
  const rest = bytes.subarray(4);
  switch (number(bytes, 0, 4)) {
    case 0x0080c201:
      if (rest.length >= 2) put(values, 'switch_port_untagged_vlan_id', number(rest, 0, 2));
      return;
    case 0x0080c202:
      if (rest.length !== 3) return;
      put(values, 'switch_port_protocol_vlan_enabled', (rest[0]! & 4) !== 0);
      put(values, 'switch_port_protocol_vlan_support', (rest[0]! & 2) !== 0);
      add(values, 'switch_port_protocol_vlan_ids', number(rest, 1, 2));
      return;
    case 0x0080c203: {
      const name = rest.length >= 3 ? utf8(rest.subarray(3, 3 + rest[2]!)) : null;
      add(values, 'switch_port_vlans', name === null ? null : { name, id: number(rest, 0, 2) });
      return;
    }
    case 0x0080c204:
      add(values, 'switch_protocol_identities', hexText(rest.subarray(1, 1 + (rest[0] ?? 0))));
      return;
    case 0x0080c206:
      if (rest.length >= 2) put(values, 'switch_port_management_vlan_id', number(rest, 0, 2));
      return;
    case 0x0080c207:
    case 0x00120f03:
      if (rest.length !== 5) return;
      put(values, 'switch_port_link_aggregation_enabled', (rest[0]! & 2) !== 0);
      put(values, 'switch_port_link_aggregation_support', (rest[0]! & 1) !== 0);
      put(values, 'switch_port_link_aggregation_id', number(rest, 1, 4));
      return;
    case 0x00120f01: {
      const mau = rest.length === 5 ? MAU_TYPES[number(rest, 3, 2)] : undefined;
      if (mau === undefined) return;
      const modes = number(rest, 1, 2);
      put(values, 'switch_port_autonegotiation_enabled', (rest[0]! & 2) !== 0);
      put(values, 'switch_port_autonegotiation_support', (rest[0]! & 1) !== 0);
      put(
        values,
        'switch_port_physical_capabilities',
        PHYSICAL_CAPABILITIES.filter(([bit]) => modes & (1 << bit))
          .map(([, name]) => name)
          .toSorted(),
      );
      put(values, 'switch_port_mau_type', mau);
      return;
    }
    case 0x00120f04:
      if (rest.length >= 2) put(values, 'switch_port_mtu', number(rest, 0, 2));
      return;
    default:
  }
}

function identity(
  bytes: Uint8Array,
  subtypes: { mac: number; address: number; texts: readonly number[] },
): string | null {
  const [subtype] = bytes;
  const value = bytes.subarray(1);
  if (subtype === undefined) return null;
  if (subtype === subtypes.mac) return macText(value);
  if (subtype === subtypes.address) return addressText(value);
  return subtypes.texts.includes(subtype) ? utf8(value) : null;
}

function macText(bytes: Uint8Array): string | null {
  return bytes.length === 6 ? Array.from(bytes, hexByte).join(':') : null;
}

/** IANA address family, then the address. */
function addressText(bytes: Uint8Array): string | null {
  const value = bytes.subarray(1);
  if (bytes[0] === 1 && value.length === 4) return value.join('.');
  if (bytes[0] === 6) return macText(value);
  if (bytes[0] !== 2 || value.length !== 16) return null;
  const groups = Array.from({ length: 8 }, (_, at) => number(value, 2 * at, 2).toString(16));
  // RFC 5952 §4.2: the longest run of zeroes, of two at least, the first of equals.
  const runs = [...groups.join(' ').matchAll(/(?<![0-9a-f])0(?: 0(?![0-9a-f]))+/g)];
  const longest = runs.toSorted((a, b) => b[0].length - a[0].length)[0];
  if (!longest) return groups.join(':');
  const text = groups.join(' ');
  const before = text.slice(0, longest.index).trim().replaceAll(' ', ':');
  const after = text
    .slice(longest.index + longest[0].length)
    .trim()
    .replaceAll(' ', ':');
  return `${before}::${after}`;
}

function capabilities(bits: number): string[] {
  return CAPABILITIES.filter(([bit]) => bits & (1 << bit)).map(([, name]) => name);
}

function number(bytes: Uint8Array, at: number, size: number): number {
  let sum = 0;
  for (let i = at; i < at + size; i++) sum = sum * 256 + (bytes[i] ?? 0);
  return sum;
}

/** Two digits, lower case. */
export const hexByte = (byte: number) => byte.toString(16).padStart(2, '0');
export const hexText = (bytes: Uint8Array) => Array.from(bytes, hexByte).join('');

/** Keeps the first value of a name. */
function put(values: LldpValues, name: string, value: LldpValue | null): void {
  if (value !== null && !(name in values)) values[name] = value;
}

function add(
  values: LldpValues,
  name: string,
  value: string | number | { name: string; id: number } | null,
): void {
  if (value === null) return;
  const list = (values[name] ?? []) as (typeof value)[];
  values[name] = [...list, value] as LldpValue;
}
