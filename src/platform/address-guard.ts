// Which addresses a URL out of a user's hands may reach. Private networks: yes, racks keep their images there.
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

export interface AddressGuardSettings {
  /** CIDRs that are reachable although they are loopback, link-local or the like. */
  allowedNetworks: readonly string[];
  /** CIDRs that are never reachable: the BMC networks. */
  refusedNetworks: readonly string[];
  /** Ferric's own ports: never reachable on any address of this machine. */
  ownPorts: readonly number[];
}

const SPECIAL: readonly [string, readonly string[]][] = [
  ['an unspecified address', ['0.0.0.0/8', '::/128']],
  ['a loopback address', ['127.0.0.0/8', '::1/128']],
  ['a link-local address', ['169.254.0.0/16', 'fe80::/10']],
  // AWS over IPv6, Alibaba, Oracle; the rest of the clouds use 169.254.169.254.
  ['a metadata service', ['fd00:ec2::254/128', '100.100.100.200/32', '192.0.0.192/32']],
  ['a multicast or reserved address', ['224.0.0.0/4', '240.0.0.0/4', 'ff00::/8']],
];
/** IPv6 ranges that carry an IPv4 address: first byte of it within the 16. */
const EMBEDDED: readonly [BlockList, number][] = [
  [networks(['::/96', '::ffff:0:0/96', '64:ff9b::/96']), 12],
  [networks(['2002::/16']), 2],
];

export class AddressGuard {
  private readonly allowed: BlockList;
  private readonly refused: BlockList;
  private readonly special = SPECIAL.map(([name, cidrs]) => [name, networks(cidrs)] as const);

  constructor(private readonly settings: AddressGuardSettings) {
    this.allowed = networks(settings.allowedNetworks);
    this.refused = networks(settings.refusedNetworks);
  }

  /** Why this IP address must not be connected to; undefined where it may be. */
  refusal(address: string, port: number): string | undefined {
    const forms = [address, ...embeddedIn(address)];
    if (forms.some((form) => contains(this.refused, form))) return 'it lies in a refused network';
    if (this.settings.ownPorts.includes(port) && forms.some(isOwn)) return 'it is a port of Ferric itself';
    // An IPv6 address that wraps an IPv4 one is as good as the IPv4 one; `::1` is nobody's wrapper.
    for (const form of forms) {
      if (contains(this.allowed, form)) continue;
      const kind = this.special.find(([, list]) => contains(list, form))?.[0];
      if (kind !== undefined) return `it is ${kind}`;
    }
    return undefined;
  }
}

export function networks(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const slash = cidr.lastIndexOf('/');
    const address = cidr.slice(0, slash);
    list.addSubnet(address, Number(cidr.slice(slash + 1)), isIPv6(address) ? 'ipv6' : 'ipv4');
  }
  return list;
}

function contains(list: BlockList, address: string): boolean {
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

function isOwn(address: string): boolean {
  if (contains(OWN_ALWAYS, address)) return true;
  const wanted = canonical(address);
  return Object.values(networkInterfaces()).some((list) =>
    list?.some((own) => canonical(own.address) === wanted),
  );
}
const OWN_ALWAYS = networks(['0.0.0.0/8', '127.0.0.0/8', '::/127']);

function canonical(address: string): string {
  return isIPv6(address) ? new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname : address;
}

function embeddedIn(address: string): string[] {
  if (!isIPv6(address) || /^::[01]?$/.test(canonical(address).slice(1, -1))) return [];
  const found = EMBEDDED.find(([list]) => contains(list, address));
  if (!found) return [];
  const bytes = bytesOf(address);
  const v4 = bytes.slice(found[1], found[1] + 4).join('.');
  return isIPv4(v4) ? [v4] : [];
}

function bytesOf(address: string): number[] {
  const [left = '', right] = canonical(address).slice(1, -1).split('::');
  const words = (text: string) =>
    text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16));
  const head = words(left);
  const tail = right === undefined ? [] : words(right);
  const all = [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail];
  return all.flatMap((word) => [word >> 8, word & 0xff]);
}
