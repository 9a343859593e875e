import { FerricError, InvalidError } from '../../../domain/errors.js';
import type { JsonObject } from '../../../domain/json.js';
import type { Microversion } from '../../microversion/microversion.js';
import { isMacAddress, shorten } from '../../request/value.js';

/** The switch port of a port. Source: LOCAL_LINK_CONN_SCHEMA of ironic/api/controllers/v1/utils.py. */

const KEYS = [
  'port_id',
  'switch_id',
  'hostname',
  'switch_info',
  'network_type',
  'vtep-logical-switch',
  'vtep-physical-switch',
];
/** Sets of keys, one of which must be complete. */
const ENOUGH = [
  ['port_id', 'switch_id'],
  ['port_id', 'hostname'],
  ['port_id', 'vtep-logical-switch', 'vtep-physical-switch'],
];

const OVN_KEYS = ['vtep-logical-switch', 'vtep-physical-switch'];

/** Whether the version does not know, or no longer knows, this kind of link: it then shows none. */
export function isForeignLink(link: JsonObject, version: Microversion): boolean {
  const knowsOvn = version.does('localLinkOvn') && !version.does('localLinkNoOvn');
  return !knowsOvn && OVN_KEYS.some((key) => Object.hasOwn(link, key));
}

/** @throws FerricError not-acceptable for keys that the version does not know */
export function refuseForeignLink(link: JsonObject, version: Microversion): void {
  const isManaged = 'network_type' in link && !version.does('localLinkNetworkType');
  if (isManaged || isForeignLink(link, version)) {
    throw new FerricError('not-acceptable', 'Request not acceptable.');
  }
}

/**
 * @param link undefined when the client gave none: even a smart NIC need not have one then
 * @returns the link with the switch's identity in lower case
 * @throws InvalidError
 */
export function checkLocalLink(link: JsonObject | undefined, isSmartNic: boolean): JsonObject {
  if (link === undefined) return {};
  const fault = (message: string) => new InvalidError(`Schema error for local_link_connection: ${message}`);
  if (isSmartNic && !has(link, ['port_id', 'hostname'])) {
    throw new InvalidError('Smart NIC port must have port_id and hostname in local_link_connection');
  }
  const keys = Object.keys(link);
  if (keys.length === 0) return link;
  const unknown = keys.find((key) => !KEYS.includes(key));
  if (unknown !== undefined) {
    throw fault(`Additional properties are not allowed ('${shorten(unknown)}' was unexpected)`);
  }
  const noText = keys.find((key) => typeof link[key] !== 'string');
  if (noText !== undefined) throw fault(`${noText} is not of type 'string'`);
  const type = link['network_type'];
  if (type !== undefined && type !== 'managed' && type !== 'unmanaged') {
    throw fault(`network_type is not one of ['managed', 'unmanaged']`);
  }
  if (type !== 'unmanaged' && !ENOUGH.some((set) => has(link, set))) {
    throw fault(`it needs ${ENOUGH.map((set) => set.join(' and ')).join(', or ')}`);
  }
  const switchId = link['switch_id'];
  if (typeof switchId !== 'string') return link;
  const lower = switchId.toLowerCase();
  if (!isMacAddress(lower) && !/^[0-9a-f]{16}$/.test(lower)) {
    throw new InvalidError(
      `Expected a MAC address or OpenFlow datapath ID but received ${shorten(switchId)}.`,
    );
  }
  return { ...link, switch_id: lower };
}

function has(link: JsonObject, keys: readonly string[]): boolean {
  return keys.every((key) => Object.hasOwn(link, key));
}
