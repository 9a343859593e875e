import { beforeEach, describe, expect, it } from 'vitest';
import { DHCP, type DhcpNetwork, KNOWN, SUBNET, useDhcpSite } from '../../support/netboot/dhcp-network.js';
import { ip, isRoot } from '../../support/netboot/rack.js';

const site = useDhcpSite();
const PXE = ['-V', 'PXEClient:Arch:00000:UNDI:002001'];
let net: DhcpNetwork;

describe.skipIf(!isRoot)('DHCP beside other servers and behind relays', () => {
  beforeEach(async () => {
    await site.database.source.query('truncate lease');
    return () => net.stop();
  });
  it('proxyDHCP: a boot file without an address, beside the site’s server and on port 4011', async () => {
    net = site.network();
    const started = await net.serve({ mode: 'proxy', subnets: [] });
    expect(started.output).toContain('proxy');
    const foreign = async (): Promise<string | undefined> => {
      const before = started.output.length;
      process.kill(started.pid, 'SIGUSR2');
      const printed = () => /foreign servers: (\d+)/.exec(started.output.slice(before))?.[1];
      await expect.poll(printed).toBeDefined();
      return printed();
    };
    expect(await foreign()).toBe('0');
    const seen = await net.start(net.client, site.loader, ['proxy', KNOWN]);
    await seen.ended;
    // The client's request named the site's server, 10.77.0.99.
    expect(await foreign()).toBe('1');
    const answers = JSON.parse(seen.output.split('\n').find((line) => line.startsWith('['))!) as Record<
      string,
      unknown
    >[];
    expect(answers).toEqual([
      {
        type: 2,
        yiaddr: '0.0.0.0',
        siaddr: '10.77.0.1',
        file: 'snponly.efi',
        class: 'PXEClient',
        vendor: '060108ff',
      },
      {
        type: 5,
        yiaddr: '0.0.0.0',
        siaddr: '10.77.0.1',
        file: 'snponly.efi',
        class: 'PXEClient',
        vendor: '060108ff',
      },
    ]);
  });

  it('a relay that is listed serves another network; one that is not is ignored', async () => {
    net = site.network();
    const relay = net.add('relay');
    const far = net.add('far');
    ip('-n', net.client, 'link', 'set', 'eth0', 'netns', relay);
    ip('-n', relay, 'addr', 'add', '10.77.0.2/24', 'dev', 'eth0');
    ip('-n', relay, 'link', 'set', 'eth0', 'up');
    net.wire({ in: relay, as: 'rack', ip: '10.78.0.1/24' }, { in: far, as: 'eth0', mac: KNOWN });
    ip('-n', net.server, 'route', 'add', '10.78.0.0/24', 'via', '10.77.0.2');
    const remote = {
      cidr: '10.78.0.0/24',
      range_start: '10.78.0.100',
      range_end: '10.78.0.110',
      routers: ['10.78.0.1'],
    };
    const refusing = await net.serve({ subnets: [SUBNET, remote] });
    const relaying = await net.start(relay, site.loader, ['relay', '10.78.0.1', '10.77.0.1', 'rack']);
    expect(await net.udhcpc([], { in: far, dev: 'eth0' })).toBeNull();
    expect(refusing.output).toContain('relay 10.78.0.1 is not listed');
    refusing.kill();
    await refusing.ended;
    await net.serve({ subnets: [SUBNET, { ...remote, relays: ['10.78.0.1'] }] });
    expect(await net.udhcpc(PXE, { in: far, dev: 'eth0' })).toMatchObject({
      ip: '10.78.0.100',
      router: '10.78.0.1',
      boot_file: 'undionly.kpxe',
    });
    expect(relaying.output).toContain('option 82 came back');
  });
});

describe.skipIf(!isRoot)('the start', () => {
  beforeEach(() => () => net.stop());

  it('is refused for an interface that is not there, has no address, or not that one', async () => {
    net = site.network();
    await expect(net.serve({ interface: 'nope' })).rejects.toThrow('There is no network interface nope');
    ip('-n', net.server, 'link', 'add', 'bare', 'type', 'bridge');
    await expect(net.serve({ interface: 'bare' })).rejects.toThrow('has no IPv4 address');
    await expect(net.serve({ server_address: '10.77.0.3' })).rejects.toThrow(
      'does not have the address 10.77.0.3',
    );
    await expect(net.serve({ subnets: [] })).rejects.toThrow('netboot.dhcp.subnets is empty');
  });

  it('does not need a cable: a bridge before its first machine is served', async () => {
    net = site.network();
    ip('-n', net.server, 'link', 'add', 'br0', 'type', 'bridge');
    ip('-n', net.server, 'addr', 'add', '10.77.0.7/24', 'dev', 'br0');
    await net.run(net.server, ['ip', 'tuntap', 'add', 'dev', 'tap0', 'mode', 'tap']);
    ip('-n', net.server, 'link', 'set', 'tap0', 'master', 'br0');
    for (const device of ['tap0', 'br0']) ip('-n', net.server, 'link', 'set', device, 'up');
    await expect.poll(() => ip('-n', net.server, 'link', 'show', 'br0')).toContain('NO-CARRIER');
    expect((await net.serve({ interface: 'br0' })).output).toContain('interface br0 (10.77.0.7)');
  });

  it('serves an interface that was removed and made again', async () => {
    net = site.network();
    const started = await net.serve();
    expect(await net.udhcpc()).not.toBeNull();
    ip('-n', net.server, 'link', 'del', 'srv');
    await expect.poll(() => started.output, { timeout: 10_000 }).toContain('the interface is gone');
    net.wire({ in: net.server, as: 'srv', ip: '10.77.0.1/24' }, { in: net.client, as: 'eth0', mac: KNOWN });
    await expect
      .poll(() => started.output, { timeout: 15_000 })
      .toContain('the interface is back and served');
    expect(await net.udhcpc()).toMatchObject({ router: '10.77.0.1' });
  });

  it('is refused with the way out where the tie to the interface does not hold', async () => {
    net = site.network();
    // With non-local binds allowed the kernel takes the probe address itself, and the trick is off.
    await net.run(net.server, ['sysctl', '-qw', 'net.ipv6.ip_nonlocal_bind=1']);
    await expect(net.serve()).rejects.toThrow(/cannot tell the packets of srv.*Ways out: .*BindToDevice/);
  });

  it('takes a socket that a service manager bound to the interface, and refuses one that it did not', async () => {
    net = site.network();
    const section = { dhcp: { ...DHCP, socket_fd: 3 }, http: { listen: '10.77.0.1' } };
    const argument = JSON.stringify({ section, connection: site.database.connection });
    const passed = (device: string) =>
      net.start(net.server, site.loader, ['pass', device, site.daemon, argument]);
    await expect(passed('')).rejects.toThrow(/also hears other interfaces.*Ways out/);
    const good = await passed('srv');
    expect(good.output).toContain('DHCP: on');
    expect(await net.udhcpc()).toMatchObject({ router: '10.77.0.1' });
  });
});
