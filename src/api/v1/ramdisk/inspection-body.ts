import { InvalidError } from '../../../domain/errors.js';
import { isObject, type JsonObject } from '../../../domain/json.js';
import { bootedMac, isBmcCard } from '../../../domain/node/machine-macs.js';
import { OBJECT, TEXT } from '../../openapi/json-schema.js';
import { isMacAddress } from '../../request/value.js';

/** Ironic's schema: an inventory with network interfaces that have MAC addresses (ramdisk.py, DATA_VALIDATOR). */
export const INSPECTION_SCHEMA = {
  type: 'object',
  properties: {
    inventory: {
      type: 'object',
      properties: {
        bmc_address: TEXT,
        bmc_v6address: TEXT,
        interfaces: {
          type: 'array',
          minItems: 1,
          items: {
            type: 'object',
            properties: { mac_address: { type: 'string' } },
            required: ['mac_address'],
          },
        },
      },
      required: ['interfaces'],
    },
    logs: { type: 'string' },
    error: TEXT,
    root_disk: OBJECT,
  },
  required: ['inventory'],
};

/** More than any machine has (LP 2155051). */
const MOST_INTERFACES = 256;

export interface InspectionBody {
  inventory: JsonObject;
  plugin_data: JsonObject;
  macs: string[];
  /** MAC address of the interface that the machine booted from. */
  booted: string | null;
  bmc_addresses: string[];
}

/** @throws InvalidError naming the field */
export function readInspection(body: unknown): InspectionBody {
  if (!isObject(body)) throw fault('the body must be an object');
  const { inventory, ...plugin_data } = body;
  if (inventory === undefined) throw fault("'inventory' is a required property");
  if (!isObject(inventory)) throw fault('inventory must be an object');
  const bmc_addresses = ['bmc_address', 'bmc_v6address'].flatMap((name) => {
    const value = inventory[name];
    if (value === undefined || value === null || value === '') return [];
    if (typeof value !== 'string' || value.length > 64)
      throw fault(`inventory.${name} must be an address or null`);
    return [value];
  });
  const { interfaces } = inventory;
  if (interfaces === undefined) throw fault("'interfaces' is a required property of inventory");
  if (!Array.isArray(interfaces) || interfaces.length === 0) {
    throw fault('inventory.interfaces must be a list that is not empty');
  }
  if (interfaces.length > MOST_INTERFACES) {
    throw fault(
      `inventory.interfaces has ${interfaces.length} entries, at most ${MOST_INTERFACES} are taken`,
    );
  }
  const macs = interfaces.flatMap((one, at) => {
    const mac = isObject(one) ? one['mac_address'] : undefined;
    if (typeof mac !== 'string') throw fault(`inventory.interfaces[${at}].mac_address must be a string`);
    return isBmcCard(one as JsonObject) ? [] : [mac];
  });
  return {
    inventory,
    plugin_data,
    macs: [...new Set(macs.filter(isMacAddress).map((mac) => mac.toLowerCase().replaceAll('-', ':')))],
    booted: bootedMac(inventory),
    bmc_addresses,
  };
}

/** The identity of the machine, as far as a refused report shows it. */
export function machineOf(body: unknown): Pick<InspectionBody, 'macs' | 'booted' | 'bmc_addresses'> {
  const inventory = isObject(body) && isObject(body['inventory']) ? body['inventory'] : {};
  const interfaces = Array.isArray(inventory['interfaces']) ? inventory['interfaces'] : [];
  const macs = interfaces
    .slice(0, MOST_INTERFACES)
    .filter((one): one is JsonObject => isObject(one) && !isBmcCard(one))
    .map((one) => one['mac_address'])
    .filter((mac): mac is string => typeof mac === 'string' && isMacAddress(mac))
    .map((mac) => mac.toLowerCase().replaceAll('-', ':'));
  return { macs: [...new Set(macs)], booted: null, bmc_addresses: [] };
}

function fault(reason: string): InvalidError {
  return new InvalidError(`Schema error for data: ${reason}`);
}
