import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { BootPlanRepository } from '../../../src/persistence/boot-plan/boot-plan.repository.js';
import { LeaseRepository } from '../../../src/persistence/lease/lease.repository.js';
import { NodeRepository } from '../../../src/persistence/node/node.repository.js';
import { PortRepository } from '../../../src/persistence/port/port.repository.js';
import { startTestDatabase, type TestDatabase, testKeyring } from '../../support/database.js';
import { bundle, ip, isRoot, Rack, type Started } from '../../support/netboot/rack.js';

const KNOWN = '02:00:00:00:00:0a';
const DISKBOOT = '02:00:00:00:00:0d';
const STATIC = '02:00:00:00:00:05';

let database: TestDatabase;
let daemon: string;
let loader: string;
let node_uuid: string;

beforeAll(async () => {
  database = await startTestDatabase();
  daemon = await bundle('test/support/netboot/netboot-daemon.ts');
  loader = await bundle('test/support/netboot/dhcp-load.ts');
  const nodes = new NodeRepository(database.source, testKeyring());
  const ports = new PortRepository(database.source);
  node_uuid = (await nodes.create({ uuid: randomUUID(), driver: 'ipmi', provision_state: 'enroll' })).uuid;
  for (const address of [KNOWN, DISKBOOT, STATIC])
    await ports.create({ uuid: randomUUID(), node_uuid, address });
  await new BootPlanRepository(database.source).put({
    node_uuid,
    macs: [KNOWN, STATIC],
    kind: 'ipxe',
    boot_mode: 'bios',
  });
});
afterAll(() => database.stop());

const SUBNET = {
  cidr: '10.77.0.0/24',
  range_start: '10.77.0.100',
  range_end: '10.77.0.120',
  routers: ['10.77.0.1'],
  dns_servers: ['10.77.0.2'],
  domain_name: 'rack.example',
};
const dhcp = {
  interface: 'srv',
  lease_time: 300,
  subnets: [SUBNET],
  hosts: [{ mac: STATIC, ip: '10.77.0.50', hostname: 'bm-5' }],
};

/** `srv` in the server's namespace, wired to `eth0` of the client. A second pair stands for a foreign network. */
class Network extends Rack {
  readonly server = this.add('server');
  readonly client = this.add('client');
  constructor(mac = KNOWN) {
    super();
    this.wire({ in: this.server, as: 'srv', ip: '10.77.0.1/24' }, { in: this.client, as: 'eth0', mac });
  }

  serve(section: object = {}): Promise<Started> {
    const whole = { dhcp: { ...dhcp, ...section }, http: { listen: '10.77.0.1' } };
    return this.start(this.server, daemon, [
      JSON.stringify({ section: whole, connection: database.connection }),
    ]);
  }

  /** busybox udhcpc once; the environment that its script got, or null where it got no lease. */
  async udhcpc(
    args: string[] = [],
    at = { in: this.client, dev: 'eth0' },
  ): Promise<Record<string, string> | null> {
    const script = join(this.directory, 'udhcpc.sh');
    const out = join(this.directory, `bound.${randomUUID()}`);
    writeFileSync(script, `#!/bin/sh\n[ "$1" = bound ] && env > ${out}\nexit 0\n`, { mode: 0o755 });
    await this.run(at.in, [
      'udhcpc',
      '-i',
      at.dev,
      '-f',
      '-n',
      '-q',
      '-t',
      '3',
      '-T',
      '1',
      '-s',
      script,
      '-O',
      'tftp',
      '-O',
      'bootfile',
      ...args,
    ]);
    return existsSync(out) ? environment(readFileSync(out, 'utf8')) : null;
  }
}

function environment(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split('\n').map((line) => [line.split('=')[0]!, line.slice(line.indexOf('=') + 1)]),
  );
}

const PXE = ['-V', 'PXEClient:Arch:00000:UNDI:002001'];
let net: Network;

describe.skipIf(!isRoot)('DHCP with independent clients', () => {
  beforeEach(async () => {
    await database.source.query('truncate lease');
    return () => net.stop();
  });

  it('udhcpc: lease and boot file for plain, BIOS, UEFI, iPXE and HTTP clients', async () => {
    net = new Network();
    const started = await net.serve();
    expect(started.output).toContain('DHCP: on, interface srv (10.77.0.1), addresses for 1 network(s)');
    const plain = await net.udhcpc();
    expect(plain).toMatchObject({
      ip: '10.77.0.100',
      mask: '24',
      router: '10.77.0.1',
      dns: '10.77.0.2',
      domain: 'rack.example',
      lease: '300',
      serverid: '10.77.0.1',
    });
    expect(plain).not.toHaveProperty('boot_file');
    expect(plain).not.toHaveProperty('bootfile');
    const bios = await net.udhcpc([...PXE, '-x', '93:0000']);
    expect(bios).toMatchObject({
      ip: '10.77.0.100',
      boot_file: 'undionly.kpxe',
      siaddr: '10.77.0.1',
      tftp: '10.77.0.1',
    });
    expect(await net.udhcpc([...PXE, '-x', '93:0007'])).toMatchObject({ boot_file: 'snponly.efi' });
    const script = {
      boot_file: 'http://10.77.0.1:8080/boot.ipxe',
      bootfile: 'http://10.77.0.1:8080/boot.ipxe',
    };
    expect(await net.udhcpc([...PXE, '-x', '93:0007', '-x', '77:69505845'])).toMatchObject(script);
    expect(await net.udhcpc([...PXE, '-x', '93:0000', '-x', '175:b0050100'])).toMatchObject(script);
    expect(await net.udhcpc(['-V', 'HTTPClient:Arch:00016:UNDI:003001', '-x', '93:0010'])).toMatchObject({
      bootfile: 'http://10.77.0.1:8080/snponly.efi',
    });
    const leases = new LeaseRepository(database.source);
    expect(await leases.byMac(KNOWN)).toMatchObject({
      ip: '10.77.0.100',
      node_uuid,
      state: 'bound',
      arch: 'uefi_x64',
    });
    expect(await leases.speakerAt('10.77.0.100')).toBe(node_uuid);
  });

  it('a known port without boot plan: an address, no boot file; a static one: its address and name', async () => {
    net = new Network(DISKBOOT);
    await net.serve();
    const disk = await net.udhcpc([...PXE, '-x', '93:0000']);
    expect(disk).toMatchObject({ ip: '10.77.0.100' });
    expect(disk).not.toHaveProperty('boot_file');
    ip('-n', net.client, 'link', 'set', 'eth0', 'down');
    ip('-n', net.client, 'link', 'set', 'eth0', 'address', STATIC);
    ip('-n', net.client, 'link', 'set', 'eth0', 'up');
    expect(await net.udhcpc([...PXE, '-x', '93:0000'])).toMatchObject({
      ip: '10.77.0.50',
      hostname: 'bm-5',
      boot_file: 'undionly.kpxe',
    });
  });

  it('an unknown MAC hears nothing, until it is a port', async () => {
    const mac = '02:00:00:00:00:99';
    net = new Network(mac);
    const started = await net.serve();
    expect(await net.udhcpc()).toBeNull();
    expect(started.output).toContain('no port has this MAC address');
    expect((await database.source.query('select * from lease')) as unknown[]).toEqual([]);
    const ports = new PortRepository(database.source);
    const port = await ports.create({ uuid: randomUUID(), node_uuid, address: mac });
    expect(await net.udhcpc()).toMatchObject({ ip: '10.77.0.100' });
    await ports.delete(port.uuid);
  });

  it('dhclient: lease, renewal at the server, release', async () => {
    net = new Network();
    const started = await net.serve();
    const file = (name: string) => join(net.directory, name);
    writeFileSync(
      file('dhclient.conf'),
      'option arch code 93 = unsigned integer 16; send arch 7;\n' +
        'send vendor-class-identifier "PXEClient:Arch:00007:UNDI:003016";\n' +
        'request subnet-mask, routers, domain-name-servers, tftp-server-name, bootfile-name;\n',
    );
    writeFileSync(file('leases'), '');
    writeFileSync(
      file('script'),
      '#!/bin/sh\ncase $reason in BOUND|RENEW|REBOOT) ip addr replace $new_ip_address/24 dev $interface;; esac\nexit 0\n',
      { mode: 0o755 },
    );
    const args = [
      '-4',
      '-1',
      '-v',
      '-cf',
      file('dhclient.conf'),
      '-lf',
      file('leases'),
      '-pf',
      file('pid'),
      '-sf',
      file('script'),
    ];
    const first = await net.run(net.client, ['dhclient', ...args, 'eth0']);
    expect(first.output).toContain('DHCPACK of 10.77.0.100 from 10.77.0.1');
    expect(readFileSync(file('leases'), 'utf8')).toContain('bootfile-name "snponly.efi"');
    // It stays in the background; -r below ends only the one that wrote the pid file last.
    process.kill(Number(readFileSync(file('pid'), 'utf8')));
    const again = await net.run(net.client, ['dhclient', ...args, 'eth0']);
    expect(again.output).toMatch(/DHCPREQUEST for 10.77.0.100[\s\S]*DHCPACK of 10.77.0.100/);
    await net.run(net.client, ['dhclient', '-4', '-r', ...args.slice(3), 'eth0']);
    await sleep(300);
    const leases = await database.source.query<{ state: string }[]>('select state from lease');
    expect(leases).toEqual([{ state: 'released' }]);
    expect(started.output).not.toContain('fault of ours');
  });

  it('init-reboot with a foreign address is refused, and the client starts over', async () => {
    net = new Network();
    await net.serve();
    expect(await net.udhcpc(['-r', '192.168.9.9'])).toMatchObject({ ip: '10.77.0.100' });
  });

  it('never answers what came in on another interface', async () => {
    net = new Network();
    const foreign = net.add('foreign');
    net.wire(
      { in: net.server, as: 'other', ip: '10.88.0.1/24' },
      { in: foreign, as: 'eth0', mac: '02:00:00:00:00:fe' },
    );
    const started = await net.serve();
    // The same known MAC, on the wrong wire.
    ip('-n', foreign, 'link', 'set', 'eth0', 'down');
    ip('-n', foreign, 'link', 'set', 'eth0', 'address', KNOWN);
    ip('-n', foreign, 'link', 'set', 'eth0', 'up');
    expect(await net.udhcpc([], { in: foreign, dev: 'eth0' })).toBeNull();
    expect(started.output).not.toContain(KNOWN);
    expect(await net.udhcpc()).toMatchObject({ ip: '10.77.0.100' });
  });

  it('proxyDHCP: a boot file without an address, beside the site’s server and on port 4011', async () => {
    net = new Network();
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
    const seen = await net.start(net.client, loader, ['proxy', KNOWN]);
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
    net = new Network();
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
    const relaying = await net.start(relay, loader, ['relay', '10.78.0.1', '10.77.0.1', 'rack']);
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

  it('lives through malformed packets by the ten thousand', async () => {
    net = new Network();
    ip('-n', net.client, 'addr', 'add', '10.77.0.9/24', 'dev', 'eth0');
    const started = await net.serve();
    const flood = await net.start(net.client, loader, ['malformed', KNOWN, '20000']);
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
    const whole = { dhcp: { ...dhcp, interface: 'br0', ...more }, http: { listen: '10.77.0.1' } };
    return {
      other,
      started: await net.start(net.server, daemon, [
        JSON.stringify({ section: whole, connection: database.connection }),
      ]),
    };
  }

  it('offers no address that another uses, and is told by nobody else that one is given back', async () => {
    net = new Network();
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
        await database.source.query<{ state: string }[]>(`select state from lease where ip = '10.77.0.101'`)
      )[0]!.state;
    await net.run(other, ['python3', '-c', release, '10.77.0.100']);
    await vi.waitFor(() => expect(started.output).toContain('release of 10.77.0.101 from 10.77.0.100'));
    expect(await state()).toBe('bound');
    ip('-n', net.client, 'addr', 'add', '10.77.0.101/24', 'dev', 'eth0');
    await net.run(net.client, ['python3', '-c', release, '10.77.0.101']);
    await vi.waitFor(async () => expect(await state()).toBe('released'));
  });

  it('a client that declines an address gets another', async () => {
    net = new Network();
    const { started } = await onBridge({ probe_ms: 0 });
    expect(await net.udhcpc(['-a', '-A', '1'])).toMatchObject({ ip: '10.77.0.101' });
    expect(started.output).toContain('the client found its address in use by another');
    expect(await database.source.query('select host(ip) as ip, state from lease order by lease.ip')).toEqual([
      { ip: '10.77.0.100', state: 'declined' },
      { ip: '10.77.0.101', state: 'bound' },
    ]);
  });

  it('passes over an option that cannot be read and answers the rest', async () => {
    net = new Network();
    const started = await net.serve();
    const odd = ['-x', '97:00', '-x', '94:0103', '-x', '93:07', '-x', '57:00000240', '-x', '6:0a'];
    expect(await net.udhcpc(['-V', 'PXEClient:Arch:00007:UNDI:003016', ...odd])).toMatchObject({
      ip: '10.77.0.100',
      boot_file: 'snponly.efi',
    });
    expect(started.output).toContain('option 97 (client_uuid) has 1 bytes');
  });

  it('leases to a known node while 100,000 invented MACs ask', async () => {
    net = new Network();
    const flooder = net.add('flood');
    // One wire, two machines: a bridge on the server's side.
    ip('-n', net.server, 'addr', 'del', '10.77.0.1/24', 'dev', 'srv');
    ip('-n', net.server, 'link', 'add', 'br0', 'type', 'bridge');
    net.wire({ in: net.server, as: 'srv2' }, { in: flooder, as: 'eth0', ip: '10.77.0.8/24' });
    for (const port of ['srv', 'srv2']) ip('-n', net.server, 'link', 'set', port, 'master', 'br0');
    ip('-n', net.server, 'addr', 'add', '10.77.0.1/24', 'dev', 'br0');
    ip('-n', net.server, 'link', 'set', 'br0', 'up');
    const whole = { dhcp: { ...dhcp, interface: 'br0' }, http: { listen: '10.77.0.1' } };
    await net.start(net.server, daemon, [
      JSON.stringify({ section: whole, connection: database.connection, level: 'warn' }),
    ]);
    const flood = await net.start(flooder, loader, ['flood', '100000']);
    // Its packets stand in the same queue, which overflows: it may take some tries, as a machine's firmware has.
    const lease = await net.udhcpc(['-t', '40']);
    const during = !flood.output.includes('sent');
    flood.kill();
    await flood.ended;
    expect(lease).toMatchObject({ ip: '10.77.0.100' });
    expect(during).toBe(true);
    expect(Number(/sent (\d+)/.exec(flood.output)?.[1])).toBeGreaterThanOrEqual(100_000);
    expect((await database.source.query<unknown[]>('select * from lease')).length).toBe(1);
  }, 120_000);
});

describe.skipIf(!isRoot)('the start', () => {
  beforeEach(() => () => net.stop());

  it('is refused for an interface that is not there, has no address, or not that one', async () => {
    net = new Network();
    await expect(net.serve({ interface: 'nope' })).rejects.toThrow('There is no network interface nope');
    ip('-n', net.server, 'link', 'add', 'bare', 'type', 'bridge');
    await expect(net.serve({ interface: 'bare' })).rejects.toThrow('has no IPv4 address');
    await expect(net.serve({ server_address: '10.77.0.3' })).rejects.toThrow(
      'does not have the address 10.77.0.3',
    );
    await expect(net.serve({ subnets: [] })).rejects.toThrow('netboot.dhcp.subnets is empty');
  });

  it('does not need a cable: a bridge before its first machine is served', async () => {
    net = new Network();
    ip('-n', net.server, 'link', 'add', 'br0', 'type', 'bridge');
    ip('-n', net.server, 'addr', 'add', '10.77.0.7/24', 'dev', 'br0');
    await net.run(net.server, ['ip', 'tuntap', 'add', 'dev', 'tap0', 'mode', 'tap']);
    ip('-n', net.server, 'link', 'set', 'tap0', 'master', 'br0');
    for (const device of ['tap0', 'br0']) ip('-n', net.server, 'link', 'set', device, 'up');
    await expect.poll(() => ip('-n', net.server, 'link', 'show', 'br0')).toContain('NO-CARRIER');
    expect((await net.serve({ interface: 'br0' })).output).toContain('interface br0 (10.77.0.7)');
  });

  it('serves an interface that was removed and made again', async () => {
    net = new Network();
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
    net = new Network();
    // With non-local binds allowed the kernel takes the probe address itself, and the trick is off.
    await net.run(net.server, ['sysctl', '-qw', 'net.ipv6.ip_nonlocal_bind=1']);
    await expect(net.serve()).rejects.toThrow(/cannot tell the packets of srv.*Ways out: .*BindToDevice/);
  });

  it('takes a socket that a service manager bound to the interface, and refuses one that it did not', async () => {
    net = new Network();
    const section = { dhcp: { ...dhcp, socket_fd: 3 }, http: { listen: '10.77.0.1' } };
    const argument = JSON.stringify({ section, connection: database.connection });
    const passed = (device: string) => net.start(net.server, loader, ['pass', device, daemon, argument]);
    await expect(passed('')).rejects.toThrow(/also hears other interfaces.*Ways out/);
    const good = await passed('srv');
    expect(good.output).toContain('DHCP: on');
    expect(await net.udhcpc()).toMatchObject({ router: '10.77.0.1' });
  });
});
