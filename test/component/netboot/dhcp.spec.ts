import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { LeaseRepository } from '../../../src/persistence/lease/lease.repository.js';
import { PortRepository } from '../../../src/persistence/port/port.repository.js';
import {
  type DhcpNetwork,
  DISKBOOT,
  KNOWN,
  STATIC,
  useDhcpSite,
} from '../../support/netboot/dhcp-network.js';
import { ip, isRoot } from '../../support/netboot/rack.js';

const site = useDhcpSite();
const PXE = ['-V', 'PXEClient:Arch:00000:UNDI:002001'];
let net: DhcpNetwork;

describe.skipIf(!isRoot)('DHCP with independent clients', () => {
  beforeEach(async () => {
    await site.database.source.query('truncate lease');
    return () => net.stop();
  });
  it('udhcpc: lease and boot file for plain, BIOS, UEFI, iPXE and HTTP clients', async () => {
    net = site.network();
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
    const leases = new LeaseRepository(site.database.source);
    expect(await leases.byMac(KNOWN)).toMatchObject({
      ip: '10.77.0.100',
      node_uuid: site.node_uuid,
      state: 'bound',
      arch: 'uefi_x64',
    });
    expect(await leases.speakerAt('10.77.0.100')).toBe(site.node_uuid);
  });

  it('a known port without boot plan: an address, no boot file; a static one: its address and name', async () => {
    net = site.network(DISKBOOT);
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
    net = site.network(mac);
    const started = await net.serve();
    expect(await net.udhcpc()).toBeNull();
    expect(started.output).toContain('no port has this MAC address');
    expect((await site.database.source.query('select * from lease')) as unknown[]).toEqual([]);
    const ports = new PortRepository(site.database.source);
    const port = await ports.create({ uuid: randomUUID(), node_uuid: site.node_uuid, address: mac });
    expect(await net.udhcpc()).toMatchObject({ ip: '10.77.0.100' });
    await ports.delete(port.uuid);
  });

  it('dhclient: lease, renewal at the server, release', async () => {
    net = site.network();
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
    // It stays in the background; -r below ends only the one that wrote the pid file last, and one that ends late
    // removes the other's file.
    const inBackground = () => Number(readFileSync(file('pid'), 'utf8'));
    const ended = (pid: number) =>
      expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 10_000 }).toBe(false);
    const before = inBackground();
    process.kill(before);
    await ended(before);
    const again = await net.run(net.client, ['dhclient', ...args, 'eth0']);
    expect(again.output).toMatch(/DHCPREQUEST for 10.77.0.100[\s\S]*DHCPACK of 10.77.0.100/);
    const last = inBackground();
    await net.run(net.client, ['dhclient', '-4', '-r', ...args.slice(3), 'eth0']);
    await ended(last);
    const leases = await site.database.source.query<{ state: string }[]>('select state from lease');
    expect(leases).toEqual([{ state: 'released' }]);
    expect(started.output).not.toContain('fault of ours');
  });

  it('init-reboot with a foreign address is refused, and the client starts over', async () => {
    net = site.network();
    await net.serve();
    expect(await net.udhcpc(['-r', '192.168.9.9'])).toMatchObject({ ip: '10.77.0.100' });
  });

  it('never answers what came in on another interface', async () => {
    net = site.network();
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
});
