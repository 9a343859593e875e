import { canonicalAddress } from '../agent/callback-url.js';

export interface Network {
  /** 4 or 16. */
  bytes: readonly number[];
  /** Length of the prefix. */
  bits: number;
}

/** CIDRs and single addresses; anything else names no network. */
export function networks(cidrs: readonly string[]): Network[] {
  return cidrs.flatMap((cidr) => {
    const slash = cidr.lastIndexOf('/');
    const bytes = bytesOf(slash < 0 ? cidr : cidr.slice(0, slash));
    if (bytes === undefined) return [];
    const bits = slash < 0 ? bytes.length * 8 : Number(cidr.slice(slash + 1));
    return bits >= 0 && bits <= bytes.length * 8 ? [{ bytes, bits }] : [];
  });
}

/** Only networks of the address’s own family contain it. */
export function contains(list: readonly Network[], address: readonly number[]): boolean {
  return list.some(
    ({ bytes, bits }) =>
      bytes.length === address.length &&
      bytes.every((byte, at) => {
        const left = Math.min(8, Math.max(0, bits - at * 8));
        const mask = (0xff << (8 - left)) & 0xff;
        return (byte & mask) === ((address[at] ?? 0) & mask);
      }),
  );
}

/** 4 or 16 bytes, as the address is written: an IPv4-mapped address keeps its 16. */
export function bytesOf(address: string): number[] | undefined {
  const bare = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  if (!bare.includes(':')) return canonicalAddress(bare)?.split('.').map(Number);
  if (!URL.canParse(`http://[${bare}]/`)) return undefined;
  const [left = '', right] = new URL(`http://[${bare}]/`).hostname.slice(1, -1).split('::');
  const words = (text: string) =>
    text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16));
  const head = words(left);
  const tail = right === undefined ? [] : words(right);
  const all = [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail];
  return all.flatMap((word) => [word >> 8, word & 0xff]);
}
