import { isIP } from 'node:net';
import { InvalidError } from '../../../domain/errors.js';
import type { Json, JsonObject } from '../../../domain/json.js';
import { bootedMac, identifyingMacs, isBmcCard, macOf } from '../../../domain/node/machine-macs.js';
import { oneLine } from '../../../protocol/printable.js';
import type { InspectedPort } from '../../contract/inspect.js';
import { badInventory, type Hook, type Inspection, objectAt, objectsAt } from './hook.js';

/** No real machine has more. */
export const MOST_INTERFACES = 256;

/** Finds the network interfaces, and which of them are valid (hooks/validate_interfaces.py). */
export const validateInterfaces: Hook = {
  name: 'validate-interfaces',
  preprocess(at) {
    const all = allInterfaces(at);
    const valid = validOnes(at, all);
    at.plugin_data['all_interfaces'] = all;
    at.plugin_data['valid_interfaces'] = valid;
    at.plugin_data['macs'] = Object.values(valid).map((one) => (one as JsonObject)['mac_address']!);
  },
};

/** Creates ports for valid interfaces, and updates or removes existing ports (hooks/ports.py). */
export const ports: Hook = {
  name: 'ports',
  run(at) {
    const { settings } = at;
    const all = interfacesOf(at, 'all_interfaces');
    const valid = interfacesOf(at, 'valid_interfaces');
    const macs = (list: readonly JsonObject[]) => list.map((one) => String(one['mac_address']));
    if (settings.add_ports !== 'disabled') {
      const known = new Set(at.ports.map((port) => port.address));
      for (const one of valid) {
        const address = String(one['mac_address']);
        if (known.has(address)) continue;
        known.add(address);
        at.ports.push(newPort(address, one));
      }
    }
    if (settings.keep_ports !== 'all') {
      const expected = macs(settings.keep_ports === 'present' ? all : valid);
      at.ports = at.ports.filter((port) => expected.includes(port.address));
    }
    const booted = macs(all.filter((one) => one['pxe_enabled'] === true));
    at.ports = at.ports.map((port) => {
      const client = clientIdOf(all.find((one) => one['mac_address'] === port.address));
      return {
        ...port,
        ...(settings.update_pxe_enabled ? { pxe_enabled: booted.includes(port.address) } : {}),
        ...(client === null ? {} : { extra: { ...port.extra, 'client-id': client } }),
      };
    });
  },
};

function newPort(address: string, one: JsonObject): InspectedPort {
  const client = clientIdOf(one);
  return {
    uuid: null,
    address,
    pxe_enabled: one['pxe_enabled'] === true,
    extra: client === null ? {} : { 'client-id': client },
    local_link_connection: {},
    physical_network: null,
  };
}

/** InfiniBand client identifier, used in boot file names: hexadecimal with colons. */
function clientIdOf(one: JsonObject | undefined): string | null {
  const id = one?.['client_id'];
  return typeof id === 'string' && /^[0-9a-f]{2}(:[0-9a-f]{2}){0,63}$/i.test(id) ? id : null;
}

/** Interfaces that an earlier hook stored in the plugin data. */
export function interfacesOf(at: Inspection, key: 'all_interfaces' | 'valid_interfaces'): JsonObject[] {
  return Object.values(objectAt(at.plugin_data, key)) as JsonObject[];
}

function allInterfaces(at: Inspection): JsonObject {
  const listed = at.inventory['interfaces'];
  if (!Array.isArray(listed)) throw badInventory(at, 'no interfaces present in inventory');
  if (listed.length > MOST_INTERFACES) {
    throw badInventory(
      at,
      `${listed.length} network interfaces are more than the ${MOST_INTERFACES} that are taken`,
    );
  }
  const booted = bootedMac(at.inventory);
  const found: JsonObject = Object.create(null) as JsonObject;
  for (const one of objectsAt(at.inventory, 'interfaces')) {
    const name = one['name'];
    const mac = macOf(one['mac_address']);
    if (typeof name !== 'string' || name === '' || name === '__proto__' || name.length > 64 || mac === null) {
      at.log.debug('an interface without name or MAC address is passed over');
      continue;
    }
    found[name] = {
      ...one,
      mac_address: mac,
      // Without a boot interface in the report, no interface is the one that booted.
      pxe_enabled: booted === null ? false : mac === booted,
      ipv6_address: withoutScope(one['ipv6_address']),
    };
  }
  return { ...found };
}

function validOnes(at: Inspection, all: JsonObject): JsonObject {
  const { add_ports } = at.settings;
  const rows = Object.entries(all) as [string, JsonObject][];
  if (rows.length === 0) throw badInventory(at, 'no valid network interfaces');
  const booted = bootedMac(at.inventory);
  const macs = rows.map(([, one]) => String(one['mac_address']));
  const own = new Set(identifyingMacs(macs, at.settings.ignored_macs, booted));
  const valid = rows.filter(([name, one]) => {
    // An interface that every machine of its kind has identifies none of them.
    if (isBmcCard(one) || !own.has(String(one['mac_address']))) return false;
    const ip = one['ipv4_address'] || one['ipv6_address'];
    if (name === 'lo' || isLoopback(ip)) return false;
    if (add_ports === 'pxe' && booted !== null) return one['pxe_enabled'] === true;
    // Where the boot interface is unknown, the interfaces with an address are the closest match.
    return add_ports === 'active' ? Boolean(ip) : true;
  });
  if (valid.length === 0) {
    throw badInventory(at, `no network interfaces match the configuration (add_ports set to "${add_ports}")`);
  }
  return Object.fromEntries(valid);
}

function withoutScope(value: Json | undefined): Json {
  return typeof value === 'string' ? value.split('%')[0]! : (value ?? null);
}

function isLoopback(ip: Json | undefined): boolean {
  return typeof ip === 'string' && isIP(ip) !== 0 && (/^127\./.test(ip) || ip === '::1');
}

/** Fails if the ramdisk reports an error (hooks/ramdisk_error.py). */
export const ramdiskError: Hook = {
  name: 'ramdisk-error',
  preprocess(at) {
    const { error } = at.plugin_data;
    if (error === undefined || error === null || error === '' || error === false) return;
    const words = typeof error === 'string' ? error : JSON.stringify(error);
    throw new InvalidError(`Ramdisk reported error: ${oneLine(words, 1_000)}`);
  },
};
