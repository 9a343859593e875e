import { describe, expect, it } from 'vitest';
import { describeSourceRule } from '../../../src/conductor/service/source-rule.js';

describe('what the start says of the source addresses', () => {
  const say = (device: string | null, mode: 'server' | 'proxy', agent = {}) =>
    describeSourceRule({
      agent: { allowed_networks: [], unleased_networks: [], ...agent },
      netboot: { dhcp: { interface: device, mode } },
      inspector: { auto_discovery: { enabled: false } },
    });

  it('names the rule, and what an empty list means', () => {
    expect(say('eth1', 'server')).toContain('known by the address that DHCP gave them in this boot');
    expect(say('eth1', 'server', { unleased_networks: ['10.9.0.0/24'] })).toContain('or any of 10.9.0.0/24');
    expect(say(null, 'server')).toContain('DHCP is off: every address may');
    expect(say('eth1', 'proxy', { allowed_networks: ['10.0.0.0/8'] })).toContain(
      'DHCP is a proxy and gives no addresses: every address of 10.0.0.0/8 may',
    );
  });
});
