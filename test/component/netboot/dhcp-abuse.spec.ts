import { beforeEach, describe, expect, it, vi } from 'vitest';
import { DHCP, type DhcpNetwork, KNOWN, useDhcpSite } from '../../support/netboot/dhcp-network.js';
import { ip, isRoot, type Started } from '../../support/netboot/rack.js';

const site = useDhcpSite();
let net: DhcpNetwork;

describe.skipIf(!isRoot)('DHCP among machines that do not follow the rules', () => {
  beforeEach(async () => {
    await site.database.source.query('truncate lease');
    return () => net.stop();
  });
  it('lives through malformed packets by the ten thousand', async () => {
    net = site.network();
    ip('-n', net.client, 'addr', 'add', '10.77.0.9/24', 'dev', 'eth0');
    const started = await net.serve();
    const flood = await net.start(net.client, site.loader, ['malformed', KNOWN, '20000']);
    await flood.ended;
    expect(flood.output).toContain('sent 20000');
    expect(started.output).toContain('breaks the protocol');
    expect(started.output).not.toContain('fault of ours');
    expect(await net.udhcpc()).toMatchObject({ router: '10.77.0.1' });
  }, 120_000);

  /** One wire, more machines: a bridge on the server's side. */
  async function onBridge(more: object = {}): Promise<{ other: string; started: Started }> {
    const other = net.add('other');
    ip('-n', net.server, 'addr', 'del', '10.77.0.1/24', 'dev', 'srv');
    ip('-n', net.server, 'link', 'add', 'br0', 'type', 'bridge');
    net.wire({ in: net.server, as: 'srv2' }, { in: other, as: 'eth0', ip: '10.77.0.100/24' });
    for (const port of ['srv', 'srv2']) ip('-n', net.server, 'link', 'set', port, 'master', 'br0');
    ip('-n', net.server, 'addr', 'add', '10.77.0.1/24', 'dev', 'br0');
    ip('-n', net.server, 'link', 'set', 'br0', 'up');
    const whole = { dhcp: { ...DHCP, interface: 'br0', ...more }, http: { listen: '10.77.0.1' } };
    return {
      other,
      started: await net.start(net.server, site.daemon, [
        JSON.stringify({ section: whole, connection: site.database.connection }),
      ]),
    };
  }

  it('offers no address that another uses, and is told by nobody else that one is given back', async () => {
    net = site.network();
    const { other, started } = await onBridge();
    expect(await net.udhcpc()).toMatchObject({ ip: '10.77.0.101' });
    expect(started.output).toMatch(/"ip":"10.77.0.100","user":"[0-9a-f:]{17}",.*set aside/);
    const release = [
      'import socket, sys',
      "head = bytes([1, 1, 6, 0]) + b'leav' + bytes(4) + bytes([10, 77, 0, 101]) + bytes(12)",
      `head += bytes.fromhex('${KNOWN.replaceAll(':', '')}') + bytes(10 + 192)`,
      's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
      's.bind((sys.argv[1], 68))',
      "s.sendto(head + bytes([99, 130, 83, 99, 53, 1, 7, 54, 4, 10, 77, 0, 1, 255]), ('10.77.0.1', 67))",
    ].join('\n');
    const state = async () =>
      (
        await site.database.source.query<{ state: string }[]>(
          `select state from lease where ip = '10.77.0.101'`,
        )
      )[0]!.state;
    await net.run(other, ['python3', '-c', release, '10.77.0.100']);
    await vi.waitFor(() => expect(started.output).toContain('release of 10.77.0.101 from 10.77.0.100'));
    expect(await state()).toBe('bound');
    ip('-n', net.client, 'addr', 'add', '10.77.0.101/24', 'dev', 'eth0');
    await net.run(net.client, ['python3', '-c', release, '10.77.0.101']);
    await vi.waitFor(async () => expect(await state()).toBe('released'));
  });

  it('a client that declines an address gets another', async () => {
    net = site.network();
    const { started } = await onBridge({ probe_ms: 0 });
    expect(await net.udhcpc(['-a', '-A', '1'])).toMatchObject({ ip: '10.77.0.101' });
    expect(started.output).toContain('the client found its address in use by another');
    expect(
      await site.database.source.query('select host(ip) as ip, state from lease order by lease.ip'),
    ).toEqual([
      { ip: '10.77.0.100', state: 'declined' },
      { ip: '10.77.0.101', state: 'bound' },
    ]);
  });

  it('passes over an option that cannot be read and answers the rest', async () => {
    net = site.network();
    const started = await net.serve();
    const odd = ['-x', '97:00', '-x', '94:0103', '-x', '93:07', '-x', '57:00000240', '-x', '6:0a'];
    expect(await net.udhcpc(['-V', 'PXEClient:Arch:00007:UNDI:003016', ...odd])).toMatchObject({
      ip: '10.77.0.100',
      boot_file: 'snponly.efi',
    });
    expect(started.output).toContain('option 97 (client_uuid) has 1 bytes');
  });

  it('leases to a known node while 100,000 invented MACs ask', async () => {
    net = site.network();
    const flooder = net.add('flood');
    // One wire, two machines: a bridge on the server's side.
    ip('-n', net.server, 'addr', 'del', '10.77.0.1/24', 'dev', 'srv');
    ip('-n', net.server, 'link', 'add', 'br0', 'type', 'bridge');
    net.wire({ in: net.server, as: 'srv2' }, { in: flooder, as: 'eth0', ip: '10.77.0.8/24' });
    for (const port of ['srv', 'srv2']) ip('-n', net.server, 'link', 'set', port, 'master', 'br0');
    ip('-n', net.server, 'addr', 'add', '10.77.0.1/24', 'dev', 'br0');
    ip('-n', net.server, 'link', 'set', 'br0', 'up');
    const whole = { dhcp: { ...DHCP, interface: 'br0' }, http: { listen: '10.77.0.1' } };
    await net.start(net.server, site.daemon, [
      JSON.stringify({ section: whole, connection: site.database.connection, level: 'warn' }),
    ]);
    const flood = await net.start(flooder, site.loader, ['flood', '100000']);
    // Its packets stand in the same queue, which overflows: it may take some tries, as a machine's firmware has.
    const lease = await net.udhcpc(['-t', '40']);
    const during = !flood.output.includes('sent');
    flood.kill();
    await flood.ended;
    expect(lease).toMatchObject({ ip: '10.77.0.100' });
    expect(during).toBe(true);
    expect(Number(/sent (\d+)/.exec(flood.output)?.[1])).toBeGreaterThanOrEqual(100_000);
    expect((await site.database.source.query<unknown[]>('select * from lease')).length).toBe(1);
  }, 120_000);

  it('writes a lease for a forged MAC address two times a second, not for each packet', async () => {
    net = site.network();
    ip('-n', net.client, 'addr', 'add', '10.77.0.9/24', 'dev', 'eth0');
    const started = await net.serve();
    const flood = [
      'import socket, time',
      "head = bytes([1, 1, 6, 0]) + b'load' + bytes(20)",
      `head += bytes.fromhex('${KNOWN.replaceAll(':', '')}') + bytes(10 + 192) + bytes([99, 130, 83, 99, 53, 1])`,
      's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
      's.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)',
      "s.bind(('10.77.0.9', 68))",
      'for n in range(3000):',
      "    s.sendto(head + bytes([1, 255]), ('255.255.255.255', 67))",
      '    time.sleep(0.001)',
    ].join('\n');
    await net.run(net.client, ['python3', '-c', flood]);
    const answered = started.output.match(/"DHCP: answered"/g)?.length ?? 0;
    expect(answered).toBeGreaterThan(100);
    expect(answered).toBeLessThan(140);
    // The machine itself is served when it asks again.
    expect(await net.udhcpc(['-t', '10'])).toMatchObject({ ip: '10.77.0.100' });
  }, 120_000);
});
