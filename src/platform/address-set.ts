import { BlockList, isIP } from 'node:net';
import { canonicalAddress } from '../domain/agent/callback-url.js';
import { InvalidError } from '../domain/errors.js';

/** The set of addresses in a list of networks. */
export class AddressSet {
  readonly #list = new BlockList();

  /**
   * @param networks CIDRs or addresses
   * @param key of the configuration, for the message
   * @throws InvalidError naming an entry that is neither
   */
  constructor(networks: readonly string[], key: string) {
    for (const network of networks) {
      const [address = '', bits] = network.split('/');
      const family = isIP(address);
      const most = family === 4 ? 32 : 128;
      const prefix = bits === undefined ? most : Number(bits);
      if (family === 0 || !/^\d{1,3}$/.test(bits ?? '0') || prefix > most) {
        throw new InvalidError(`${key}: ${network} is not a network`);
      }
      this.#list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
    }
  }

  has(address: string): boolean {
    const bare = canonicalAddress(address);
    return bare !== null && this.#list.check(bare, bare.includes(':') ? 'ipv6' : 'ipv4');
  }
}
