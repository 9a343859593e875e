import { isIP } from 'node:net';
import { InvalidError } from '../../domain/errors.js';
import { isAbsent, type Json, type JsonObject } from '../../domain/json.js';
import type { PropertyTable } from '../contract/implementation.js';
import { internalOf } from '../contract/internal-info.js';

/** Descriptions from Ironic's drivers/modules/redfish/utils.py; `redfish_pin_certificate` is Ferric's own. */
export const REDFISH_PROPERTIES: PropertyTable = {
  redfish_address:
    'The URL address to the Redfish controller. It must include the authority portion of the URL, and can optionally include the scheme. If the scheme is missing, https is assumed. Required',
  redfish_system_id:
    'The canonical path to the ComputerSystem resource that the driver will interact with. It should include the root service, version and the unique resource path to a ComputerSystem within the same authority as the redfish_address property. Required where the controller has several systems.',
  redfish_username:
    'User account with admin/server-profile access privilege. Although this property is not mandatory it is highly recommended to set a username. Optional',
  redfish_password:
    'User account password. Although this property is not mandatory, it is highly recommended to set a password. Optional',
  redfish_verify_ca:
    'Either a Boolean value, or a path to a file with the authorities of the controller’s certificate. If True, the configured or the system’s authorities are used. If False, nothing is verified. Defaults to True. Optional',
  redfish_auth_type:
    'Redfish HTTP client authentication method. Can be "basic", "session" or "auto". The default value is taken from the configuration, redfish.auth_type. Optional',
  redfish_tls_minimum_version: 'Oldest TLS to speak, "1.1", "1.2" or "1.3". Optional',
  redfish_tls_ciphers: 'OpenSSL’s list of ciphers. Optional',
  vmedia_transport_protocol:
    'Protocol that the controller is told for virtual media, HTTP, HTTPS, NFS or CIFS; by default it is told none. Optional',
  redfish_pin_certificate:
    'SHA-256 fingerprint of the one certificate that the controller may show, or True: the one that it shows when the node is verified. Authorities and dates count no more then. Optional',
};

export type AuthType = 'auto' | 'session' | 'basic';

/** How certificates are verified. `authorities`: a PEM file; null: the configured ones, else the system's. */
export type Trust =
  | { readonly by: 'authorities'; readonly file: string | null }
  | { readonly by: 'pin'; readonly fingerprint: string | null }
  | { readonly by: 'nothing' };

/** Address and credentials of a Redfish service, from driver_info. */
export interface RedfishTarget {
  /** `https://host:port` */
  readonly origin: string;
  readonly address: string;
  readonly port: number;
  /** Path of the service root, with a slash at its end. */
  readonly root: string;
  /** Path of the ComputerSystem; undefined: the only one. */
  readonly systemId: string | undefined;
  readonly username: string | undefined;
  readonly password: string;
  readonly trust: Trust;
  /** undefined: as configured. */
  readonly authType: AuthType | undefined;
  readonly minVersion: TlsVersion | undefined;
  readonly ciphers: string | undefined;
}

const TLS_VERSIONS = ['1.1', '1.2', '1.3'] as const;
export type TlsVersion = (typeof TLS_VERSIONS)[number];

type Fault = (text: string) => void;

/**
 * Reads all `redfish_*` of driver_info.
 * @param internal driver_internal_info
 * @throws InvalidError naming every faulty or missing field; never a secret's value
 */
export function parseTarget(info: JsonObject, internal: JsonObject = {}): RedfishTarget {
  const faults: string[] = [];
  const fault = (text: string) => void faults.push(text);
  const url = readAddress(info['redfish_address'], fault);
  const username = readText(info, 'redfish_username', fault);
  const target: RedfishTarget = {
    origin: url.origin,
    address: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || (url.protocol === 'https:' ? 443 : 80)),
    root: rootOf(url),
    systemId: readSystemId(info['redfish_system_id'], url, fault),
    username,
    password: readText(info, 'redfish_password', fault) ?? '',
    trust: readTrust(info, internal, fault),
    authType: readEnum(info, 'redfish_auth_type', ['auto', 'session', 'basic'], fault),
    minVersion: readEnum(info, 'redfish_tls_minimum_version', TLS_VERSIONS, fault),
    ciphers: readCiphers(info, fault),
  };
  if (faults.length > 0) throw new InvalidError(`driver_info: ${faults.join('; ')}`);
  return target;
}

/** Placeholder of an invalid URL: the recorded faults end the parsing. */
const NOWHERE = new URL('https://invalid/');

function readAddress(value: Json | undefined, fault: Fault): URL {
  if (isAbsent(value)) {
    fault("Missing the following Redfish properties in node's driver_info: ['redfish_address']");
    return NOWHERE;
  }
  const bad = (): URL => {
    fault('redfish_address must be a URL of http or https with a host, such as https://192.0.2.1');
    return NOWHERE;
  };
  if (typeof value !== 'string' || value.length > 1_000 || /[\s\\\p{Cc}]/u.test(value)) return bad();
  const bare = isIP(value) === 6 ? `[${value}]` : value;
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(bare) ? bare : `https://${bare}`;
  if (!URL.canParse(text)) return bad();
  const url = new URL(text);
  if ((url.protocol !== 'https:' && url.protocol !== 'http:') || url.hostname === '') return bad();
  if (url.username !== '' || url.password !== '') {
    fault('redfish_address must not hold a login: use redfish_username and redfish_password');
    return NOWHERE;
  }
  if (url.search !== '' || url.hash !== '') return bad();
  return url;
}

/** The path of the address is the service root; without a path it is /redfish/v1/. */
function rootOf(url: URL): string {
  const path = url.pathname === '/' ? '/redfish/v1/' : url.pathname;
  return path.endsWith('/') ? path : `${path}/`;
}

function readSystemId(value: Json | undefined, url: URL, fault: Fault): string | undefined {
  if (isAbsent(value)) return undefined;
  if (typeof value !== 'string' || value.length > 500 || /\p{Cc}/u.test(value)) {
    fault('redfish_system_id must be a text: the path of a ComputerSystem');
    return undefined;
  }
  const path = value.startsWith('/') ? value : `/${value}`;
  if (path.startsWith('//') || !URL.canParse(path, url.origin)) {
    fault('redfish_system_id must be the path of a ComputerSystem, such as /redfish/v1/Systems/1');
    return undefined;
  }
  // Percent-encoded as in a URL; encoded characters stay as they are.
  return new URL(path.replaceAll('?', '%3F').replaceAll('#', '%23'), url.origin).pathname;
}

function readText(info: JsonObject, field: string, fault: Fault): string | undefined {
  const value = info[field];
  if (isAbsent(value)) return undefined;
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text === 'string' && !/\p{Cc}/u.test(text) && text.length <= 1_000) return text;
  fault(`${field} must be a text without control characters`);
  return undefined;
}

function readTrust(info: JsonObject, internal: JsonObject, fault: Fault): Trust {
  const pin = readPin(info['redfish_pin_certificate'], internal, fault);
  if (pin !== undefined) return { by: 'pin', fingerprint: pin };
  const value = info['redfish_verify_ca'];
  if (isAbsent(value)) return { by: 'authorities', file: null };
  const known = typeof value === 'boolean' ? value : booleanOf(value);
  if (known !== undefined) return known ? { by: 'authorities', file: null } : { by: 'nothing' };
  if (typeof value === 'string' && value.startsWith('/') && !/\p{Cc}/u.test(value)) {
    return { by: 'authorities', file: value };
  }
  fault('redfish_verify_ca must be true, false or the absolute path of a file with certificates');
  return { by: 'authorities', file: null };
}

/** @returns null: the certificate that the BMC presents at the next verification; undefined: none is pinned */
function readPin(value: Json | undefined, internal: JsonObject, fault: Fault): string | null | undefined {
  if (isAbsent(value)) return undefined;
  const known = typeof value === 'boolean' ? value : booleanOf(value);
  if (known === false) return undefined;
  if (known === true) {
    return internalOf({ driver_internal_info: internal }).redfish_pinned_certificate ?? null;
  }
  const digits =
    typeof value === 'string' ? value.replace(/^sha-?256[:=]/i, '').replaceAll(/[:\s]/g, '') : '';
  if (/^[0-9a-f]{64}$/i.test(digits)) return digits.toLowerCase();
  fault('redfish_pin_certificate must be true or the SHA-256 fingerprint of a certificate');
  return undefined;
}

/** As oslo's bool_from_string. */
function booleanOf(value: Json): boolean | undefined {
  const word = String(value).toLowerCase();
  if (['1', 't', 'true', 'on', 'y', 'yes'].includes(word)) return true;
  return ['0', 'f', 'false', 'off', 'n', 'no'].includes(word) ? false : undefined;
}

function readEnum<T extends string>(
  info: JsonObject,
  field: string,
  allowed: readonly T[],
  fault: Fault,
): T | undefined {
  const value = info[field];
  if (isAbsent(value)) return undefined;
  const text = typeof value === 'number' ? value.toFixed(1) : value;
  const found = allowed.find((one) => one === text);
  if (found === undefined) fault(`${field} must be one of ${allowed.join(', ')}`);
  return found;
}

function readCiphers(info: JsonObject, fault: Fault): string | undefined {
  const value = info['redfish_tls_ciphers'];
  if (isAbsent(value)) return undefined;
  if (typeof value === 'string' && /^[A-Za-z0-9:+!@=_-]{1,1000}$/.test(value)) return value;
  fault('redfish_tls_ciphers must be a list of OpenSSL’s names of ciphers, with colons between them');
  return undefined;
}
