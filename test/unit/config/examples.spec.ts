import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';

const EXAMPLES = readdirSync('config/examples').map((name) => `config/examples/${name}`);

describe('example configurations', () => {
  it.each([...EXAMPLES, 'docker/ferric.yaml'])('%s has no fault', (file) => {
    const config = loadConfig({ file, env: {} });
    expect(config).not.toEqual(loadConfig({ env: {} }));
  });

  it('change what they are for', () => {
    const real = loadConfig({ file: 'config/examples/real-network.yaml', env: {} });
    expect(real.netboot.dhcp).toMatchObject({ interface: 'eth1', mode: 'server' });
    const beside = loadConfig({ file: 'config/examples/beside-dhcp.yaml', env: {} });
    expect(beside.netboot.dhcp).toMatchObject({ interface: 'eth0', mode: 'proxy', subnets: [] });
    const outside = loadConfig({ file: 'config/examples/outside-postgresql.yaml', env: {} });
    expect(outside.database.url?.reveal()).toMatch(/^postgresql:/);
  });
});
