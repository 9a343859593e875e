import { canonicalAddress } from '../../domain/agent/callback-url.js';
import type { LeaseRepository } from './lease.repository.js';

export interface SourceRuleParts {
  leases: Pick<LeaseRepository, 'speakerAt' | 'isSpoken' | 'silence'>;
  /** Whether our own DHCP gives the machines their addresses; a proxy beside the site's server gives none. */
  givesAddresses: boolean;
  /** agent.allowed_networks: addresses outside of them get nothing. */
  allowed: Addresses;
  /** inspector.auto_discovery: machines that are no node yet may report themselves. */
  discovers: boolean;
  /** agent.unleased_networks: addresses there come from elsewhere than our DHCP, though that is on. */
  unleased: Addresses;
}

export interface Addresses {
  /** @param address in its canonical spelling */
  has(address: string): boolean;
}

/**
 * Which address may act for which machine: the one rule for lookup, heartbeat, reports of inspections, and boot files by
 * TFTP and HTTP. Nothing on the provisioning network logs in, so the address is all there is to go by. Where our DHCP
 * gives the addresses, that is the one that the machine itself was given since it was last started; where it does not,
 * nothing is known of an address, and the configured networks alone decide.
 */
export class SourceRule {
  constructor(private readonly parts: SourceRuleParts) {}

  /** Whether the address may ask for anything at all: for what is not one machine's, and before more is looked at. */
  async admits(source: string): Promise<boolean> {
    const address = this.#allowed(source);
    if (address === null) return false;
    const { givesAddresses, unleased, leases } = this.parts;
    return !givesAddresses || unleased.has(address) || (await leases.speakerAt(address)) !== null;
  }

  /** Whether what comes from the address comes from the node's machine. */
  async speaksFor(node_uuid: string, source: string): Promise<boolean> {
    const address = this.#allowed(source);
    if (address === null) return false;
    const { givesAddresses, unleased, leases } = this.parts;
    if (!givesAddresses) return true;
    const speaker = await leases.speakerAt(address);
    if (speaker !== null) return speaker === node_uuid;
    return unleased.has(address) && !(await leases.isSpoken(node_uuid));
  }

  /** The node whose machine has this address by its lease; null where leases say nothing. */
  async machineAt(source: string): Promise<string | null> {
    const address = this.#allowed(source);
    return address !== null && this.parts.givesAddresses ? this.parts.leases.speakerAt(address) : null;
  }

  /** Whether the address may report what an inspection found: a machine that is discovered has no lease. */
  async admitsReport(source: string): Promise<boolean> {
    return (await this.admits(source)) || (this.parts.discovers && (await this.isNobodys(source)));
  }

  /** For a machine that is no node yet, and so has no lease: whether the address is no other machine's. */
  async isNobodys(source: string): Promise<boolean> {
    const address = this.#allowed(source);
    if (address === null) return false;
    return !this.parts.givesAddresses || (await this.parts.leases.speakerAt(address)) === null;
  }

  /** The machine is off, or about to be started anew: whatever uses its address is not it, until DHCP heard of it again. */
  async silence(node_uuid: string): Promise<void> {
    if (this.parts.givesAddresses) await this.parts.leases.silence(node_uuid);
  }

  #allowed(source: string): string | null {
    const address = canonicalAddress(source);
    return address !== null && this.parts.allowed.has(address) ? address : null;
  }
}
