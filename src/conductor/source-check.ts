import { canonicalAddress } from '../domain/agent/callback-url.js';
import type { LeaseRepository } from '../lease/lease.repository.js';
import type { SourceCheck } from './agent-desk.js';

/**
 * May this address speak for a node? Where our DHCP gave the node an address it must come from there; an address
 * that we gave to somebody else speaks for nobody but them. Beside a site's own DHCP server nothing is known, and
 * `agent.allowed_networks` alone decides.
 */
export function sourceCheck(leases: Pick<LeaseRepository, 'byMac' | 'activeAt'>): SourceCheck {
  return async (macs, source) => {
    const address = canonicalAddress(source);
    if (address === null) return false;
    const own = (await Promise.all(macs.map((mac) => leases.byMac(mac)))).filter(
      (lease) => lease !== null && lease.state === 'bound' && lease.expires_at > new Date(),
    );
    if (own.length > 0) return own.some((lease) => lease!.ip === address);
    return (await leases.activeAt(address)) === null;
  };
}
