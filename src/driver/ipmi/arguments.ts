import { isIP } from 'node:net';
import { InvalidError } from '../../domain/errors.js';
import { isAbsent, type Json, type JsonObject } from '../../domain/json.js';
import type { PropertyTable } from '../contract/implementation.js';

const PRIVILEGE_LEVELS = ['ADMINISTRATOR', 'CALLBACK', 'OPERATOR', 'USER'] as const;
type PrivilegeLevel = (typeof PRIVILEGE_LEVELS)[number];

/** Descriptions from Ironic's drivers/modules/ipmitool.py. */
export const IPMI_PROPERTIES: PropertyTable = {
  ipmi_address: 'IP address or hostname of the node. Required.',
  ipmi_password: 'password. Optional.',
  ipmi_hex_kg_key: 'Kg key for IPMIv2 authentication. The key is expected in hexadecimal format. Optional.',
  ipmi_port: 'remote IPMI RMCP port. Optional.',
  ipmi_priv_level: `privilege level; default is ADMINISTRATOR. One of ${PRIVILEGE_LEVELS.join(', ')}. Optional.`,
  ipmi_username: 'username; default is NULL user. Optional.',
  ipmi_bridging: 'bridging_type; default is "no". One of "single", "dual", "no". Optional.',
  ipmi_transit_channel:
    'transit channel for bridged request. Required only if ipmi_bridging is set to "dual".',
  ipmi_transit_address:
    'transit address for bridged request. Required only if ipmi_bridging is set to "dual".',
  ipmi_target_channel:
    'destination channel for bridged request. Required only if ipmi_bridging is set to "single" or "dual".',
  ipmi_target_address:
    'destination address for bridged request. Required only if ipmi_bridging is set to "single" or "dual".',
  ipmi_local_address:
    'local IPMB address for bridged requests. Used only if ipmi_bridging is set to "single" or "dual". Optional.',
  ipmi_protocol_version: 'the version of the IPMI protocol; default is "2.0". One of "1.5", "2.0". Optional.',
  ipmi_force_boot_device:
    'Whether Ironic should specify the boot device to the BMC each time the server is turned on, eg. because the BMC is not capable of remembering the selected boot device across power cycles; default value is False. Optional.',
  ipmi_disable_boot_timeout:
    'By default ironic will send a raw IPMI command to disable the 60 second timeout for booting. Setting this option to False will NOT send that command on this node. The [ipmi]disable_boot_timeout will be used if this option is not set. Optional.',
  ipmi_cipher_suite:
    'The number of a cipher suite to use. Only 3 (AES-128 with SHA1) or 17 (AES-128 with SHA256) should ever be used; 17 is preferred. The default value depends on the ipmitool version, some recent versions have switched from 3 to 17.',
};

/** Address and credentials of a BMC, from driver_info. */
export interface BmcTarget {
  readonly address: string;
  readonly port: number;
  /** '' is the NULL user. */
  readonly username: string;
  readonly password: string;
  /** Kg without trailing zero bytes; undefined: none. */
  readonly kgKey: Uint8Array | undefined;
  readonly privilege: PrivilegeLevel;
  readonly protocol: '2.0' | '1.5';
  readonly cipherSuite: number | undefined;
  /** ipmitool's options for bridging, in its order. */
  readonly bridging: readonly string[];
  readonly forceBootDevice: boolean;
  /** undefined: as configured. */
  readonly disableBootTimeout: boolean | undefined;
}

/**
 * Reads all `ipmi_*` of driver_info.
 * @throws InvalidError naming every faulty or missing field; never a secret's value
 */
export function parseTarget(info: JsonObject): BmcTarget {
  const faults: string[] = [];
  const fault = (text: string) => void faults.push(text);
  const protocol = readEnum(info, 'ipmi_protocol_version', ['2.0', '1.5'], '2.0', fault);
  const target: BmcTarget = {
    address: readAddress(info['ipmi_address'], fault),
    port: readNumber(info, 'ipmi_port', 1, 65_535, fault) ?? 623,
    username: readUsername(info['ipmi_username'], fault),
    password: readPassword(info['ipmi_password'], protocol, fault),
    kgKey: readKgKey(info['ipmi_hex_kg_key'], fault),
    privilege: readEnum(info, 'ipmi_priv_level', PRIVILEGE_LEVELS, 'ADMINISTRATOR', fault),
    protocol,
    cipherSuite: readCipherSuite(info, protocol, fault),
    bridging: readBridging(info, fault),
    forceBootDevice: readBoolean(info, 'ipmi_force_boot_device', fault) ?? false,
    disableBootTimeout: readBoolean(info, 'ipmi_disable_boot_timeout', fault),
  };
  if (faults.length > 0) throw new InvalidError(`driver_info: ${faults.join('; ')}`);
  return target;
}

export interface PreparedCall {
  args: string[];
  env: Record<string, string>;
  stdin: Uint8Array | undefined;
}

/** How long one run of ipmitool waits for answers. */
export interface Retransmission {
  /** Seconds for the answer to one packet; each retransmission gets a second more. */
  seconds: number;
  /** How often one packet is sent at most. The packets of a login (RAKP) are always sent four times. */
  sends: number;
}

/**
 * The ipmitool call of one command. No secret is an argument. The password goes through the environment (-E), which
 * other users cannot read, which needs no file to be removed after a crash, and which ends with the process. Kg goes
 * through standard input (-Y), because option -K accepts text only.
 * @param suite a cipher suite that the BMC is known to accept, if driver_info names none
 */
export function prepareCall(
  target: BmcTarget,
  command: readonly string[],
  retransmission: Retransmission,
  suite?: number,
): PreparedCall {
  const chosen = target.cipherSuite ?? (target.protocol === '2.0' ? suite : undefined);
  const args = [
    ...['-I', target.protocol === '2.0' ? 'lanplus' : 'lan', '-H', target.address, '-p', String(target.port)],
    ...['-L', target.privilege],
    ...(target.username === '' ? [] : ['-U', target.username]),
    ...(chosen === undefined ? [] : ['-C', String(chosen)]),
    ...target.bridging,
    ...['-R', String(retransmission.sends), '-N', String(Math.ceil(retransmission.seconds)), '-v', '-E'],
    ...(target.kgKey === undefined ? [] : ['-Y']),
    ...command,
  ];
  return {
    args,
    env: { IPMITOOL_PASSWORD: target.password, LANG: 'C' },
    stdin: target.kgKey === undefined ? undefined : Uint8Array.from([...target.kgKey, 0x0a]),
  };
}

type Fault = (text: string) => void;

function readAddress(value: Json | undefined, fault: Fault): string {
  if (isAbsent(value)) {
    fault("Missing the following IPMI credentials in node's driver_info: ['ipmi_address']");
    return '';
  }
  const label = '[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?';
  const hostname = new RegExp(`^${label}(?:\\.${label})*\\.?$`);
  if (typeof value === 'string' && value.length <= 253) {
    if (isIP(value) !== 0 && /^[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?$/.test(value)) return value;
    // Numbers that are no IP address would reach inet_aton, which reads 127.1 and 0x7f.1 as 127.0.0.1.
    if (hostname.test(value) && !/^([0-9.]+|0x[0-9a-f.x]*)$/i.test(value)) return value;
  }
  fault('ipmi_address must be a valid IP address or hostname');
  return '';
}

function readUsername(value: Json | undefined, fault: Fault): string {
  if (isAbsent(value)) return '';
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || hasControl(text)) {
    fault('ipmi_username must be a text without control characters');
  } else if (text.startsWith('-')) fault('ipmi_username must not begin with -');
  else if (Buffer.byteLength(text) > 16) fault('ipmi_username is longer than 16 bytes');
  else return text;
  return '';
}

function readPassword(value: Json | undefined, protocol: string, fault: Fault): string {
  if (isAbsent(value)) return '';
  const text = typeof value === 'number' ? String(value) : value;
  const most = protocol === '1.5' ? 16 : 20;
  if (typeof text !== 'string' || hasControl(text)) {
    fault('ipmi_password must be a text without control characters');
  } else if (Buffer.byteLength(text) > most) fault(`ipmi_password is longer than ${most} bytes`);
  else return text;
  return '';
}

function readKgKey(value: Json | undefined, fault: Fault): Uint8Array | undefined {
  if (isAbsent(value)) return undefined;
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || !/^([0-9A-Fa-f]{2}){1,20}$/.test(text)) {
    fault('ipmi_hex_kg_key must be 1 to 20 bytes in hexadecimal, an even number of digits');
    return undefined;
  }
  const bytes = Buffer.from(text, 'hex');
  const key = bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 0) + 1); // IPMI pads it with zeroes anyway
  if (key.includes(0x00) || key.includes(0x0a)) {
    fault(
      'ipmi_hex_kg_key has a byte 00 or 0a in it, which ipmitool takes on its command line only, for every user to see: choose another key',
    );
    return undefined;
  }
  return key.length === 0 ? undefined : key;
}

function readCipherSuite(info: JsonObject, protocol: string, fault: Fault): number | undefined {
  const suite = readNumber(info, 'ipmi_cipher_suite', 0, 255, fault);
  if (suite === undefined) return undefined;
  if (protocol === '1.5') fault('ipmi_cipher_suite cannot be used with IPMI 1.5');
  else if (suite <= 2) {
    fault(`ipmi_cipher_suite ${suite} leaves the session unprotected; use 17, or 3 for older BMCs`);
  } else if (suite !== 3 && suite !== 17) {
    // ipmitool 1.8.19 aborts on some of the others (-C 12) and does not encrypt with the rest.
    fault(`ipmi_cipher_suite ${suite} is not supported; use 17, or 3 for older BMCs`);
  } else return suite;
  return undefined;
}

type BridgingRow = [field: string, option: string, highest: number, required: boolean];
const TRANSIT: readonly BridgingRow[] = [
  ['ipmi_transit_channel', '-B', 15, true],
  ['ipmi_transit_address', '-T', 255, true],
];

function readBridging(info: JsonObject, fault: Fault): string[] {
  const kind = readEnum(info, 'ipmi_bridging', ['no', 'single', 'dual'], 'no', fault);
  if (kind === 'no') return [];
  const rows: BridgingRow[] = [
    ['ipmi_local_address', '-m', 255, false],
    ...(kind === 'dual' ? TRANSIT : []),
    ['ipmi_target_channel', '-b', 15, true],
    ['ipmi_target_address', '-t', 255, true],
  ];
  return rows.flatMap(([field, option, highest, required]) => {
    if (required && isAbsent(info[field])) {
      fault(`${field} is missing; ipmi_bridging is ${kind}`);
      return [];
    }
    const value = readNumber(info, field, 0, highest, fault);
    return value === undefined ? [] : [option, `0x${value.toString(16).padStart(2, '0')}`];
  });
}

/** A number, or its text: decimal, or hexadecimal with 0x. */
function readNumber(
  info: JsonObject,
  field: string,
  least: number,
  highest: number,
  fault: Fault,
): number | undefined {
  const value = info[field];
  if (isAbsent(value)) return undefined;
  const number =
    typeof value === 'string' && /^(\d{1,5}|0[xX][0-9A-Fa-f]{1,4})$/.test(value) ? Number(value) : value;
  const fits = typeof number === 'number' && Number.isInteger(number) && number >= least && number <= highest;
  if (fits) return number;
  fault(`${field} must be a number from ${least} to ${highest}`);
  return undefined;
}

function readEnum<T extends string>(
  info: JsonObject,
  field: string,
  allowed: readonly T[],
  fallback: T,
  fault: Fault,
): T {
  const value = info[field];
  if (isAbsent(value)) return fallback;
  // 2.0 sent as a JSON number arrives as 2.
  const text = typeof value === 'number' ? value.toFixed(1) : value;
  const found = allowed.find((one) => one === text);
  if (found === undefined) fault(`${field} must be one of ${allowed.join(', ')}`);
  return found ?? fallback;
}

/** As oslo's bool_from_string. */
function readBoolean(info: JsonObject, field: string, fault: Fault): boolean | undefined {
  const value = info[field];
  if (isAbsent(value)) return undefined;
  const text = String(value).toLowerCase();
  if (['1', 't', 'true', 'on', 'y', 'yes'].includes(text)) return true;
  if (['0', 'f', 'false', 'off', 'n', 'no'].includes(text)) return false;
  fault(`${field} must be true or false`);
  return undefined;
}

function hasControl(text: string): boolean {
  return /[\u0000-\u001f\u007f]/.test(text);
}
