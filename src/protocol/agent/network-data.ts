import { isObject } from '../json.js';
// Static addresses of a machine in OpenStack's format: network_data.json of a config drive
// (nova: doc/source/user/metadata.rst, network_data.json; ironic: api/controllers/v1/network-data-schema.json).

/** One interface, as `ip` configures it. */
export interface StaticInterface {
  /** Lower case with colons. */
  mac: string;
  mtu?: number;
  /** With their prefix length. */
  addresses: readonly string[];
  /** Destination with its prefix length, and gateway. */
  routes: readonly { to: string; via: string }[];
  /** Whether its addresses come from DHCP instead. */
  dhcp: boolean;
}

export interface StaticNetwork {
  interfaces: readonly StaticInterface[];
  nameservers: readonly string[];
  /** Entries that cannot be configured, each with its reason. */
  refused: readonly string[];
}

type Part = Readonly<Record<string, unknown>>;

/** Assumes no type of any value: unreadable entries are listed as refused, the rest is used. */
export function readNetworkData(text: string): StaticNetwork {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return { interfaces: [], nameservers: [], refused: ['network_data.json is not JSON'] };
  }
  const whole = isPart(data) ? data : {};
  const refused: string[] = [];
  const interfaces = new Map<string, Mutable>();
  for (const link of partsOf(whole['links'])) {
    const name = String(link['id'] ?? link['name'] ?? '');
    const mac = String(link['ethernet_mac_address'] ?? '')
      .toLowerCase()
      .replaceAll('-', ':');
    if (['bond', 'vlan'].includes(String(link['type'])))
      refused.push(`link ${name}: ${String(link['type'])}`);
    else if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac)) refused.push(`link ${name}: no MAC address`);
    else {
      const mtu = Number(link['mtu']);
      interfaces.set(name, {
        mac,
        addresses: [],
        routes: [],
        dhcp: false,
        ...(Number.isInteger(mtu) && mtu >= 68 && mtu <= 65_535 ? { mtu } : {}),
      });
    }
  }
  for (const network of partsOf(whole['networks'])) {
    const one = interfaces.get(String(network['link']));
    const name = String(network['id'] ?? network['link'] ?? '');
    if (!one) refused.push(`network ${name}: its link is not there`);
    else add(one, network, name, refused);
  }
  return {
    interfaces: [...interfaces.values()].filter(({ addresses, dhcp }) => addresses.length > 0 || dhcp),
    nameservers: nameserversOf(whole),
    refused,
  };
}

interface Mutable extends StaticInterface {
  addresses: string[];
  routes: { to: string; via: string }[];
  dhcp: boolean;
}

function add(one: Mutable, network: Part, name: string, refused: string[]): void {
  const type = String(network['type']);
  if (type.includes('dhcp') || type.includes('slaac')) {
    one.dhcp = true;
    return;
  }
  const address = withPrefix(network['ip_address'], network['netmask']);
  if (address === undefined) {
    refused.push(`network ${name}: no address with a netmask`);
    return;
  }
  one.addresses.push(address);
  const gateway = addressOf(network['gateway']);
  if (gateway) one.routes.push({ to: gateway.includes(':') ? '::/0' : '0.0.0.0/0', via: gateway });
  for (const route of partsOf(network['routes'])) {
    const to = withPrefix(route['network'], route['netmask']);
    const via = addressOf(route['gateway']);
    if (to === undefined || via === undefined)
      refused.push(`network ${name}: a route without a network or a gateway`);
    else one.routes.push({ to, via });
  }
}

function nameserversOf(whole: Part): string[] {
  const services = [whole, ...partsOf(whole['networks'])].flatMap((part) => partsOf(part['services']));
  const found = services.flatMap((service) =>
    service['type'] === 'dns' ? (addressOf(service['address']) ?? []) : [],
  );
  return [...new Set(found)];
}

/** `10.0.0.1` with `255.255.255.0` or `24`, or `10.0.0.1/24` alone. */
function withPrefix(address: unknown, netmask: unknown): string | undefined {
  const [bare, own] = String(address ?? '').split('/');
  const plain = addressOf(bare);
  if (plain === undefined) return undefined;
  const prefix = prefixOf(own ?? netmask, plain.includes(':'));
  return prefix === undefined ? undefined : `${plain}/${prefix}`;
}

function prefixOf(netmask: unknown, v6: boolean): number | undefined {
  const text = String(netmask ?? '');
  if (/^\d{1,3}$/.test(text)) return Number(text) <= (v6 ? 128 : 32) ? Number(text) : undefined;
  const bits = maskBits(text, v6);
  return bits !== undefined && /^1*0*$/.test(bits)
    ? bits.indexOf('0') + (bits.includes('0') ? 0 : bits.length + 1)
    : undefined;
}

function maskBits(text: string, v6: boolean): string | undefined {
  if (addressOf(text) === undefined || text.includes(':') !== v6) return undefined;
  if (!v6)
    return text
      .split('.')
      .map((octet) => Number(octet).toString(2).padStart(8, '0'))
      .join('');
  const [head = '', tail] = text.split('::');
  const groups = (part: string) => part.split(':').filter((group) => group !== '');
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
  return [...before, ...(tail === undefined ? [] : zeros), ...after]
    .map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0'))
    .join('');
}

/** An address in a form that `ip` accepts and that has no other meaning. */
function addressOf(value: unknown): string | undefined {
  const text = String(value ?? '');
  const octets = text.split('.');
  const v4 = octets.length === 4 && octets.every((octet) => /^\d{1,3}$/.test(octet) && Number(octet) <= 255);
  const v6 = /^[0-9a-f:]{2,39}$/i.test(text) && text.includes(':') && text.split('::').length <= 2;
  return v4 || v6 ? text : undefined;
}

function partsOf(value: unknown): Part[] {
  return Array.isArray(value) ? value.filter(isPart) : [];
}

function isPart(value: unknown): value is Part {
  return isObject(value);
}
