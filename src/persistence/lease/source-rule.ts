import { canonicalAddress } from '../../domain/agent/callback-url.js';
import type { LeaseRepository } from './lease.repository.js';

export interface SourceRuleParts {
  leases: Pick<LeaseRepository, 'speakerAt' | 'isSpoken' | 'silence'>;
  /** Whether our own DHCP gives the machines their addresses; a proxy beside another server gives none. */
  givesAddresses: boolean;
  /** agent.allowed_networks: addresses outside of them are refused. */
  allowed: Addresses;
  /** inspector.auto_discovery: machines without a node may report themselves. */
  discovers: boolean;
  /** agent.unleased_networks: addresses there do not come from our DHCP, although it is on. */
  unleased: Addresses;
}

export interface Addresses {
  /** @param address in its canonical form */
  has(address: string): boolean;
}

/**
 * Which address may act for which machine: one rule for lookup, heartbeat, inspection reports, and boot files by TFTP
 * and HTTP. The provisioning network has no login, so only the address identifies a machine. Where our DHCP gives the
 * addresses, that is the address that the machine got since its last start. Where it does not, nothing is known of an
 * address, and only the configured networks decide.
 */
export class SourceRule {
  constructor(private readonly parts: SourceRuleParts) {}

  /**
   * Whether the address may request anything at all: for requests of no particular machine, and before further checks.
   */
  async admits(source: string): Promise<boolean> {
    const address = this.#allowed(source);
    if (address === null) return false;
    const { givesAddresses, unleased, leases } = this.parts;
    return !givesAddresses || unleased.has(address) || (await leases.speakerAt(address)) !== null;
  }

  /** Whether a request from the address comes from the node's machine. */
  async speaksFor(node_uuid: string, source: string): Promise<boolean> {
    const address = this.#allowed(source);
    if (address === null) return false;
    const { givesAddresses, unleased, leases } = this.parts;
    if (!givesAddresses) return true;
    const speaker = await leases.speakerAt(address);
    if (speaker !== null) return speaker === node_uuid;
    return unleased.has(address) && !(await leases.isSpoken(node_uuid));
  }

  /** The node whose machine has this address by its lease; null without a lease. */
  async machineAt(source: string): Promise<string | null> {
    const address = this.#allowed(source);
    return address !== null && this.parts.givesAddresses ? this.parts.leases.speakerAt(address) : null;
  }

  /** Whether the address may send an inspection report: a machine that is being discovered has no lease. */
  async admitsReport(source: string): Promise<boolean> {
    return (await this.admits(source)) || (this.parts.discovers && (await this.isNobodys(source)));
  }

  /** For a machine without a node, and so without a lease: whether the address belongs to no other machine. */
  async isNobodys(source: string): Promise<boolean> {
    const address = this.#allowed(source);
    if (address === null) return false;
    return !this.parts.givesAddresses || (await this.parts.leases.speakerAt(address)) === null;
  }

  /** The machine is off or about to restart: its address does not identify it until DHCP has given it again. */
  async silence(node_uuid: string): Promise<void> {
    if (this.parts.givesAddresses) await this.parts.leases.silence(node_uuid);
  }

  #allowed(source: string): string | null {
    const address = canonicalAddress(source);
    return address !== null && this.parts.allowed.has(address) ? address : null;
  }
}
