import type { PropertyTable } from '../contract/implementation.js';
import type { NetworkInterface, Vif } from '../contract/network.js';

/**
 * Networks without any switching: a VIF is accepted and detached without effect, and none is ever listed.
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
