import type { Config } from '../../config/schema.js';
import type { LeaseRepository } from '../../persistence/lease/lease.repository.js';
import { SourceRule } from '../../persistence/lease/source-rule.js';
import { AddressSet } from '../../platform/address-set.js';

type Settings = {
  agent: Pick<Config['agent'], 'allowed_networks' | 'unleased_networks'>;
  netboot: { dhcp: Pick<Config['netboot']['dhcp'], 'interface' | 'mode'> };
  inspector: { auto_discovery: Pick<Config['inspector']['auto_discovery'], 'enabled'> };
};

const EVERY = { has: () => true };

/** @throws InvalidError for a configured network that does not parse */
export function sourceRule({ agent, netboot, inspector }: Settings, leases: LeaseRepository): SourceRule {
  const { allowed_networks: allowed, unleased_networks: unleased } = agent;
  return new SourceRule({
    leases,
    givesAddresses: givesAddresses(netboot.dhcp),
    discovers: inspector.auto_discovery.enabled,
    allowed: allowed.length === 0 ? EVERY : new AddressSet(allowed, 'agent.allowed_networks'),
    unleased: new AddressSet(unleased, 'agent.unleased_networks'),
  });
}

/** The line that the start logs about this rule. */
export function describeSourceRule({ agent, netboot }: Settings): string {
  const some = agent.allowed_networks.length > 0 ? ` of ${agent.allowed_networks.join(', ')}` : '';
  if (givesAddresses(netboot.dhcp)) {
    const elsewhere = agent.unleased_networks.map((network) => `, or any of ${network}`).join('');
    return `machines: known by the address that DHCP gave them in this boot${some}${elsewhere}`;
  }
  const why = netboot.dhcp.interface === null ? 'DHCP is off' : 'DHCP is a proxy and gives no addresses';
  return some === ''
    ? `machines: ${why}: every address may look a machine up and fetch its boot files (agent.allowed_networks is empty)`
    : `machines: ${why}: every address${some} may look a machine up and fetch its boot files`;
}

function givesAddresses({ interface: device, mode }: Settings['netboot']['dhcp']): boolean {
  return device !== null && mode === 'server';
}
