import { beforeEach, describe, expect, it } from 'vitest';
import { CONDUCTOR } from '../../../src/domain/actor.js';
import { AttemptRepository } from '../../../src/persistence/operation/attempt.repository.js';
import { OperationRepository } from '../../../src/persistence/operation/operation.repository.js';
import { testKeyring } from '../../support/database.js';
import { DHCP, type DhcpNetwork, useDhcpSite } from '../../support/netboot/dhcp-network.js';
import { ip, isRoot } from '../../support/netboot/rack.js';

const site = useDhcpSite();
let net: DhcpNetwork;

describe.skipIf(!isRoot)('what a machine shows of itself while it boots', () => {
  beforeEach(() => () => net.stop());

  it('is recorded with its attempt: DHCP by program, files with their bytes, boot loaders by the lease', async () => {
    const { source } = site.database;
    const { node_uuid } = site;
    const operations = new OperationRepository(source, testKeyring());
    const given = { kind: 'deploy', node_uuid, steps: [], actor: CONDUCTOR, conductor: 'here' } as const;
    const { uuid } = await operations.create(given, source.manager);
    net = site.network();
    const section = { dhcp: DHCP, http: { listen: '10.77.0.1' }, tftp: { listen: '10.77.0.1' } };
    const daemon = await net.start(net.server, site.daemon, [
      JSON.stringify({ section, connection: site.database.connection }),
    ]);
    const pxe = ['-V', 'PXEClient:Arch:00000:UNDI:002001', '-x', '93:0000'];
    expect(await net.udhcpc(pxe)).toMatchObject({ ip: '10.77.0.100' });
    ip('-n', net.client, 'addr', 'add', '10.77.0.100/24', 'dev', 'eth0');
    ip('-n', net.client, 'addr', 'add', '10.77.0.119/24', 'dev', 'eth0');
    const curl = (...args: string[]) => net.run(net.client, ['curl', '-sS', '-m', '10', '-o', '-', ...args]);
    await curl('tftp://10.77.0.1/boot.ipxe');
    await curl('http://10.77.0.1:8080/boot.ipxe');
    await curl('http://10.77.0.1:8080/not-there');
    // An address without a lease: nobody's, so it is refused and told of nobody.
    await curl('--interface', '10.77.0.119', 'http://10.77.0.1:8080/grub/grub.cfg');
    expect(await net.udhcpc([...pxe, '-x', '77:69505845'])).not.toBeNull();
    expect(await net.udhcpc()).not.toBeNull();
    await expect
      .poll(
        async () => {
          const { sightings } = await new AttemptRepository(source).find(node_uuid, uuid);
          return sightings.map(({ kind, name, source: from }) => `${kind} ${name} ${from}`).toSorted();
        },
        { timeout: 10_000 },
      )
      .toEqual([
        'dhcp bios 10.77.0.100',
        'dhcp ipxe 10.77.0.100',
        'dhcp system 10.77.0.100',
        'http boot.ipxe 10.77.0.100',
        'tftp boot.ipxe 10.77.0.100',
      ]);
    const { sightings } = await new AttemptRepository(source).find(node_uuid, uuid);
    const of = (kind: string) => sightings.find((one) => one.kind === kind)!;
    expect(of('dhcp').count).toBeGreaterThanOrEqual(2); // offer and acknowledgement
    expect(of('tftp').bytes).toBeGreaterThan(50);
    expect(of('http').bytes).toBeGreaterThan(of('tftp').bytes); // with the head of the answer
    expect(daemon.output).not.toContain('not recorded');
  });
});
