import { canonicalAddress } from '../agent/callback-url.js';
import { bytesOf, contains, type Network, networks } from './cidr.js';

/** Which addresses a user's URL may reach. Private networks are allowed: racks keep their images there. */
export interface AddressRuleSettings {
  /** CIDRs that are reachable although they are loopback, link-local or otherwise special. */
  allowedNetworks: readonly string[];
  /** CIDRs that are never reachable: the BMC networks. */
  refusedNetworks: readonly string[];
  /** TCP ports of Ferric's own listeners: never reachable at any address of its machine. */
  ownPorts: readonly number[];
  /** Further endpoints of these listeners: their public URLs. */
  ownEndpoints?: readonly Endpoint[];
}

export interface Endpoint {
  /** An address, or a name. */
  host: string;
  port: number;
}

const SPECIAL: readonly [string, readonly string[]][] = [
  ['an unspecified address', ['0.0.0.0/8', '::/128']],
  ['a loopback address', ['127.0.0.0/8', '::1/128']],
  ['a link-local address', ['169.254.0.0/16', 'fe80::/10']],
  // AWS, Google and Oracle over IPv6, Alibaba, Oracle, Azure; the rest of the clouds use 169.254.169.254.
  [
    'a metadata service',
    [
      ...['fd00:ec2::254/128', 'fd20:ce::254/128', 'fd00:c1::a9fe:a9fe/128'],
      ...['100.100.100.200/32', '192.0.0.192/32', '168.63.129.16/32'],
    ],
  ],
  ['a multicast or reserved address', ['224.0.0.0/4', '240.0.0.0/4', 'ff00::/8']],
];
/** IPv6 ranges that embed an IPv4 address, with the index of its first byte among the 16. */
const EMBEDDED: readonly [Network[], number][] = [
  // IPv4-compatible, -mapped and -translated (RFC 4291, RFC 2765), NAT64 and its local prefix (RFC 6052, RFC 8215).
  [networks(['::/96', '::ffff:0:0/96', '::ffff:0:0:0/96', '64:ff9b::/96', '64:ff9b:1::/48']), 12],
  [networks(['2002::/16']), 2],
];
/** A connection to these always reaches the local machine, whatever its interfaces. */
const OWN_ALWAYS = networks(['0.0.0.0/8', '127.0.0.0/8', '::/127']);

/** Pure, so that the daemon and the agent decide alike. */
export class AddressRule {
  private readonly allowed: readonly Network[];
  private readonly refused: readonly Network[];
  private readonly special = SPECIAL.map(([name, cidrs]) => [name, networks(cidrs)] as const);

  /** @param isFerrics whether an address belongs to the machine that Ferric runs on */
  constructor(
    private readonly settings: AddressRuleSettings,
    private readonly isFerrics: (address: string) => boolean,
  ) {
    this.allowed = networks(settings.allowedNetworks);
    this.refused = networks(settings.refusedNetworks);
  }

  /** Why a connection to this IP address is refused; undefined where it is allowed. */
  refusal(address: string, port: number): string | undefined {
    const forms = formsOf(address);
    if (forms.length === 0) return 'it is no address';
    if (forms.some((form) => contains(this.refused, form))) return 'it lies in a refused network';
    if (forms.some((form) => this.isOwn(form, port))) return 'it is a port of Ferric itself';
    // An IPv6 address with an embedded IPv4 address is checked as both; `::1` embeds none.
    for (const form of forms) {
      if (contains(this.allowed, form)) continue;
      const kind = this.special.find(([, list]) => contains(list, form))?.[0];
      if (kind !== undefined) return `it is ${kind}`;
    }
    return undefined;
  }

  /** Names of Ferric itself at this port: addresses that they resolve to are refused, too. */
  ownNames(port: number): string[] {
    const endpoints = this.settings.ownEndpoints ?? [];
    return endpoints
      .filter((own) => own.port === port && canonicalAddress(own.host) === null)
      .map(({ host }) => host.toLowerCase());
  }

  private isOwn(form: readonly number[], port: number): boolean {
    const address = textOf(form);
    if (this.settings.ownPorts.includes(port) && (contains(OWN_ALWAYS, form) || this.isFerrics(address)))
      return true;
    return (this.settings.ownEndpoints ?? []).some(
      (own) => own.port === port && canonicalAddress(own.host) === canonicalAddress(address),
    );
  }
}

/** The address, and the IPv4 address embedded in it. Empty for an invalid address. */
function formsOf(address: string): (readonly number[])[] {
  const bytes = bytesOf(address);
  if (bytes === undefined) return [];
  // `::` and `::1` look like embedded IPv4 addresses, and are none.
  const wraps = bytes.length === 16 && bytes.slice(0, 15).some((byte) => byte !== 0);
  const found = wraps ? EMBEDDED.find(([list]) => contains(list, bytes)) : undefined;
  return found ? [bytes, bytes.slice(found[1], found[1] + 4)] : [bytes];
}

function textOf(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join('.');
  const words = Array.from({ length: 8 }, (_, at) =>
    ((bytes[at * 2]! << 8) | bytes[at * 2 + 1]!).toString(16),
  );
  return words.join(':');
}
