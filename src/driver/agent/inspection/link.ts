import { BlockList, isIP } from 'node:net';
import type { Json, JsonObject } from '../../../domain/json.js';
import { macOf } from '../../../domain/node/machine-macs.js';
import { chassisMac, portIdText, readTlvs, TLV, tlvBytes, utf8 } from '../../../protocol/lldp/tlv.js';
import { oneLine } from '../../../protocol/printable.js';
import type { InspectedPort } from '../../contract/inspect.js';
import { type Hook, type Inspection, objectAt, objectsAt } from './hook.js';
import { interfacesOf } from './interfaces.js';

/** LLDP of further interfaces is ignored (hooks/parse_lldp.py). */
const MOST_INTERFACES = 64;
const MOST_TLVS = 128;

/** Decodes the switches' LLDP into the plugin data. */
export const parseLldp: Hook = {
  name: 'parse-lldp',
  run(at) {
    const parsed: JsonObject = {};
    for (const one of objectsAt(at.inventory, 'interfaces').slice(0, MOST_INTERFACES)) {
      const values = readTlvs(tlvsOf(at, one)) as JsonObject;
      if (Object.keys(values).length > 0) parsed[String(one['name'])] = values;
    }
    if (Object.keys(parsed).length > 0) at.plugin_data['parsed_lldp'] = parsed;
  },
};

/** Writes LLDP of the switches into the ports' local_link_connection; existing values stay. */
export const localLinkConnection: Hook = {
  name: 'local-link-connection',
  run(at) {
    for (const one of interfacesOf(at, 'all_interfaces').slice(0, MOST_INTERFACES)) {
      const link = linkOf(tlvsOf(at, one));
      changePort(at, one, (port) => ({
        ...port,
        local_link_connection: { ...link, ...port.local_link_connection },
      }));
    }
  },
};

function linkOf(tlvs: Json | undefined): JsonObject {
  const link: JsonObject = {};
  if (!Array.isArray(tlvs)) return link;
  for (const pair of tlvs.slice(0, MOST_TLVS)) {
    if (!Array.isArray(pair)) continue;
    const bytes = tlvBytes(pair[1]);
    if (!bytes) continue;
    const [item, text] =
      pair[0] === TLV.portId
        ? ['port_id', portIdText(bytes)]
        : pair[0] === TLV.chassisId
          ? ['switch_id', chassisMac(bytes)]
          : pair[0] === TLV.systemName
            ? ['switch_info', utf8(bytes)]
            : ['', null];
    if (item && text !== null) link[item] = oneLine(text);
  }
  return link;
}

/** Writes the physical network of an interface's address into its port. */
export const physicalNetwork: Hook = {
  name: 'physical-network',
  run(at) {
    const networks = Object.entries(at.settings.physical_network_cidr_map).map(([cidr, name]) => {
      const list = new BlockList();
      const [base, bits] = cidr.split('/') as [string, string];
      list.addSubnet(base, Number(bits), base.includes(':') ? 'ipv6' : 'ipv4');
      return { name, has: (ip: string) => list.check(ip, isIP(ip) === 6 ? 'ipv6' : 'ipv4') };
    });
    for (const one of interfacesOf(at, 'all_interfaces')) {
      const ips = [one['ipv4_address'], one['ipv6_address']].filter(
        (ip): ip is string => typeof ip === 'string' && isIP(ip) !== 0,
      );
      const found = ips.map((ip) => networks.find(({ has }) => has(ip))?.name).find(Boolean);
      if (found) changePort(at, one, (port) => ({ ...port, physical_network: found }));
    }
  },
};

/** The collector `lldp` sends TLVs beside the inventory; with ipa-collect-lldp they are in the inventory. */
function tlvsOf(at: Inspection, one: JsonObject): Json | undefined {
  const name = one['name'];
  const beside = typeof name === 'string' ? objectAt(at.plugin_data, 'lldp_raw') : {};
  return (typeof name === 'string' && Object.hasOwn(beside, name) ? beside[name] : undefined) ?? one['lldp'];
}

function changePort(at: Inspection, one: JsonObject, change: (port: InspectedPort) => InspectedPort): void {
  const mac = macOf(one['mac_address']);
  at.ports = at.ports.map((port) => (port.address === mac ? change(port) : port));
}
