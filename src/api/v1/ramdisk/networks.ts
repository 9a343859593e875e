import { BlockList, isIP } from 'node:net';
import { canonicalAddress } from '../../../domain/agent/callback-url.js';
import { InvalidError } from '../../../domain/errors.js';

/** Addresses that may speak to the agent listener. */
export class AllowedNetworks {
  readonly #list = new BlockList();
  readonly #all: boolean;

  /**
   * @param networks CIDRs or addresses; none allows every address
   * @throws InvalidError naming what is neither
   */
  constructor(networks: readonly string[]) {
    this.#all = networks.length === 0;
    for (const network of networks) {
      const [address = '', bits] = network.split('/');
      const family = isIP(address);
      const most = family === 4 ? 32 : 128;
      const prefix = bits === undefined ? most : Number(bits);
      if (family === 0 || !/^\d{1,3}$/.test(bits ?? '0') || prefix > most) {
        throw new InvalidError(`agent.allowed_networks: ${network} is not a network`);
      }
      this.#list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
    }
  }

  has(address: string): boolean {
    if (this.#all) return true;
    const bare = canonicalAddress(address);
    return bare !== null && this.#list.check(bare, bare.includes(':') ? 'ipv6' : 'ipv4');
  }
}
