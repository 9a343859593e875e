/** Parses IP addresses and networks, for the operator `in-net`. */

export interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** @returns null for a text that is not an address */
export function parseAddress(text: string): Address | null {
  const four = parseFour(text);
  if (four !== null) return { bits: 32, value: four };
  const halves = text.split('::');
  if (!text.includes(':') || halves.length > 2) return null;
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':').flatMap(groupsOf)));
  const given = [...head!, ...(tail ?? [])];
  const gap = 8 - given.length;
  if (tail === undefined ? gap !== 0 : gap < 1) return null;
  const all = tail === undefined ? given : [...head!, ...Array<string>(gap).fill('0'), ...tail];
  if (!all.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return null;
  return { bits: 128, value: all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n) };
}

/** A trailing dotted quad stands for two groups. */
function groupsOf(group: string): string[] {
  const four = group.includes('.') ? parseFour(group) : null;
  return four === null ? [group] : [(four >> 16n).toString(16), (four & 0xffffn).toString(16)];
}

function parseFour(text: string): bigint | null {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return null;
  const parts = text.split('.').map(Number);
  return parts.every((part) => part < 256)
    ? parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n)
    : null;
}

/**
 * @param subnet address with a prefix length or a netmask; without either, a single address
 * @returns null for a text that is not a network
 */
export function isInNetwork(address: Address, subnet: string): boolean | null {
  const [base, suffix, ...more] = subnet.split('/');
  const network = parseAddress(base!);
  if (!network || more.length > 0) return null;
  const prefix = suffix === undefined ? network.bits : prefixOf(suffix, network.bits);
  if (prefix === null) return null;
  const shift = BigInt(network.bits - prefix);
  return address.bits === network.bits && address.value >> shift === network.value >> shift;
}

function prefixOf(text: string, bits: number): number | null {
  if (/^\d{1,3}$/.test(text)) return Number(text) <= bits ? Number(text) : null;
  const mask = parseFour(text);
  if (mask === null || bits !== 32) return null;
  const ones = /^(1*)0*$/.exec(mask.toString(2).padStart(32, '0'));
  return ones ? ones[1]!.length : null;
}
