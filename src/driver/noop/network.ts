import type { PropertyTable } from '../contract/implementation.js';
import type { NetworkInterface, Vif } from '../contract/network.js';

/**
 * Networks that nobody switches: a VIF is taken and let go without a word, and none is ever listed.
 * Source: ironic/drivers/modules/network/noop.py.
 */
export class NoopNetwork implements NetworkInterface {
  readonly name = 'noop';
  readonly properties: PropertyTable = {};

  async validate(): Promise<void> {}

  async listVifs(): Promise<Vif[]> {
    return [];
  }

  async attachVif(): Promise<void> {}

  async detachVif(): Promise<void> {}
}
