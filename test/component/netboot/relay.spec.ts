import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { NodeRepository } from '../../../src/persistence/node/node.repository.js';
import { PortRepository } from '../../../src/persistence/port/port.repository.js';
import { startTestDatabase, type TestDatabase, testKeyring } from '../../support/database.js';
import { bundle, ip, isRoot, Rack, type Started } from '../../support/netboot/rack.js';

const BUSYBOX = '02:00:00:00:01:01';
const ISC = '02:00:00:00:01:02';
const FIXED = '02:00:00:00:01:03';
const LATE = '02:00:00:00:01:04';
/** udhcpc takes no shorter one for what it is. */
const LEASE = 16;

let database: TestDatabase;
let daemon: string;
let runReady: string;

beforeAll(async () => {
  database = await startTestDatabase();
  daemon = await bundle('test/support/netboot/netboot-daemon.ts');
  runReady = await bundle('test/support/netboot/run-ready.ts');
  const nodes = new NodeRepository(database.source, testKeyring());
  const ports = new PortRepository(database.source);
  const node = await nodes.create({ uuid: randomUUID(), driver: 'ipmi', provision_state: 'enroll' });
  for (const address of [BUSYBOX, ISC, FIXED, LATE])
    await ports.create({ uuid: randomUUID(), node_uuid: node.uuid, address });
});
afterAll(() => database.stop());

/**
 * The server's wire 10.77.0.0/24, a router at 10.77.0.2 with ISC's dhcrelay, and behind it a rack, 10.78.0.0/24, whose
 * machines reach the server through the router: their renewals come without giaddr.
 */
class RelayedRack extends Rack {
  readonly server = this.add('server');
  readonly router = this.add('router');

  constructor() {
    super();
    this.wire({ in: this.server, as: 'srv', ip: '10.77.0.1/24' }, { in: this.router, as: 'uplink' });
    ip('-n', this.router, 'addr', 'add', '10.77.0.2/24', 'dev', 'uplink');
    ip('-n', this.router, 'link', 'add', 'rack', 'type', 'bridge');
    ip('-n', this.router, 'addr', 'add', '10.78.0.1/24', 'dev', 'rack');
    ip('-n', this.router, 'link', 'set', 'rack', 'up');
    ip('-n', this.server, 'route', 'add', '10.78.0.0/24', 'via', '10.77.0.2');
  }

  machine(name: string, mac: string): string {
    const namespace = this.add(name);
    this.wire({ in: this.router, as: name }, { in: namespace, as: 'eth0', mac });
    ip('-n', this.router, 'link', 'set', name, 'master', 'rack');
    return namespace;
  }

  async serve(): Promise<Started> {
    await this.run(this.router, ['sysctl', '-qw', 'net.ipv4.ip_forward=1']);
    const section = {
      dhcp: {
        interface: 'srv',
        lease_time: LEASE,
        subnets: [
          { cidr: '10.77.0.0/24', range_start: '10.77.0.100', range_end: '10.77.0.110' },
          {
            cidr: '10.78.0.0/24',
            range_start: '10.78.0.100',
            range_end: '10.78.0.110',
            routers: ['10.78.0.1'],
            relays: ['10.78.0.1'],
          },
        ],
        hosts: [{ mac: FIXED, ip: '10.78.0.50' }],
      },
      http: { listen: '10.77.0.1' },
    };
    return this.start(this.server, daemon, [JSON.stringify({ section, connection: database.connection })]);
  }

  relay(): Promise<Started> {
    const command = ['dhcrelay', '-4', '-d', '-a', '-id', 'rack', '-iu', 'uplink', '10.77.0.1'];
    return this.start(this.router, runReady, command);
  }

  /** busybox udhcpc that stays; what its script was told, one word a line: deconfig, bound, renew, nak. */
  async udhcpc(machine: string): Promise<() => string[]> {
    const [script, told] = [`udhcpc.${machine}`, `told.${machine}`].map((name) =>
      join(this.directory, name),
    ) as [string, string];
    const lines = [
      '#!/bin/sh',
      `echo "$1 $ip" >> ${told}`,
      'case $1 in',
      'deconfig) ip addr flush dev $interface ;;',
      'bound|renew) ip addr replace $ip/24 dev $interface; ip route replace default via $router ;;',
      'esac',
    ];
    writeFileSync(script, lines.join('\n'), { mode: 0o755 });
    await this.start(machine, runReady, [
      'udhcpc',
      '-i',
      'eth0',
      '-f',
      '-t',
      '3',
      '-T',
      '1',
      '-A',
      '1',
      '-s',
      script,
    ]);
    return () => (existsSync(told) ? readFileSync(told, 'utf8').trim().split('\n') : []);
  }

  async dhclient(machine: string): Promise<Started> {
    const script = join(this.directory, 'dhclient.sh');
    const lines = [
      '#!/bin/sh',
      'case $reason in',
      'BOUND|RENEW|REBIND|REBOOT) ip addr replace $new_ip_address/24 dev $interface',
      'ip route replace default via $new_routers ;;',
      'esac',
      'exit 0',
    ];
    writeFileSync(script, lines.join('\n'), { mode: 0o755 });
    const files = [
      '-lf',
      join(this.directory, 'leases'),
      '-pf',
      join(this.directory, 'pid'),
      '-cf',
      '/dev/null',
    ];
    writeFileSync(join(this.directory, 'leases'), '');
    return this.start(machine, runReady, ['dhclient', '-4', '-d', '-v', ...files, '-sf', script, 'eth0']);
  }
}

/** A DHCPINFORM from a machine's own address and port, and the answer's type and routers. */
const INFORM = `
import socket, sys
me, mac = sys.argv[1], bytes.fromhex(sys.argv[2].replace(':', ''))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((me, 68))
s.settimeout(5)
head = bytes([1, 1, 6, 0]) + b'info' + bytes(4) + socket.inet_aton(me) + bytes(12) + mac + bytes(10 + 192)
s.sendto(head + bytes([99, 130, 83, 99, 53, 1, 8, 255]), ('10.77.0.1', 67))
answer, source = s.recvfrom(1500)
print(source[0], answer[240:243].hex(), socket.inet_aton('10.78.0.1') in answer[243:])
`;

let rack: RelayedRack;
const leases = () =>
  database.source.query<{ ip: string; mac: string; state: string; lives: boolean }[]>(
    `select host(ip) as ip, mac, state, expires_at > now() as lives from lease order by lease.ip`,
  );

describe.skipIf(!isRoot)('a rack behind a real dhcrelay', () => {
  beforeEach(async () => {
    await database.source.query('truncate lease');
    rack = new RelayedRack();
    return () => rack.stop();
  });

  it('gets its leases through the relay and renews them past it, lease after lease', async () => {
    const server = await rack.serve();
    const relaying = await rack.relay();
    const machines = {
      busybox: rack.machine('m1', BUSYBOX),
      isc: rack.machine('m2', ISC),
      fixed: rack.machine('m3', FIXED),
    };
    const busybox = await rack.udhcpc(machines.busybox);
    const isc = await rack.dhclient(machines.isc);
    const fixed = await rack.udhcpc(machines.fixed);
    await vi.waitFor(() => expect(busybox().at(-1)).toMatch(/^bound 10\.78\.0\.10/), 10_000);
    await vi.waitFor(() => expect(isc.output).toMatch(/bound to 10\.78\.0\.1\d\d/), 15_000);
    await vi.waitFor(() => expect(fixed().at(-1)).toBe('bound 10.78.0.50'), 10_000);
    // From here on only the router is in between: whoever is not answered past the relay loses its lease.
    relaying.kill();
    await relaying.ended;
    await sleep(3 * LEASE * 1000);
    const renewals = (told: string[]) => told.filter((line) => line.startsWith('renew'));
    expect(renewals(busybox()).length).toBeGreaterThanOrEqual(3);
    expect(renewals(fixed()).length).toBeGreaterThanOrEqual(3);
    expect(isc.output.match(/DHCPACK of/g)!.length).toBeGreaterThanOrEqual(4);
    expect([...busybox(), ...fixed()].join()).not.toMatch(/nak/);
    expect(isc.output).not.toMatch(/NAK|DHCPDISCOVER.*\n[\s\S]*bound[\s\S]*DHCPDISCOVER/);
    expect(server.output).not.toContain('"type":6');
    expect(await leases()).toMatchObject([
      { ip: '10.78.0.50', mac: FIXED, state: 'bound', lives: true },
      { mac: expect.any(String), state: 'bound', lives: true },
      { mac: expect.any(String), state: 'bound', lives: true },
    ]);
    const inform = await rack.run(machines.fixed, ['python3', '-c', INFORM, '10.78.0.50', FIXED]);
    expect(inform.output.trim()).toBe('10.77.0.1 350105 True');
  }, 120_000);

  it('offers no address that a machine behind the router uses', async () => {
    const server = await rack.serve();
    await rack.relay();
    const squatter = rack.machine('m9', '02:00:00:00:01:09');
    ip('-n', squatter, 'addr', 'add', '10.78.0.100/24', 'dev', 'eth0');
    ip('-n', squatter, 'route', 'add', 'default', 'via', '10.78.0.1');
    const told = await rack.udhcpc(rack.machine('m1', BUSYBOX));
    await vi.waitFor(() => expect(told().at(-1)).toBe('bound 10.78.0.101'), 15_000);
    expect(server.output).toMatch(/"ip":"10.78.0.100","user":"ICMP",.*set aside/);
  }, 40_000);

  it('a renewal that is refused changes nothing, and is told where the machine is', async () => {
    const server = await rack.serve();
    await rack.relay();
    const machine = rack.machine('m1', BUSYBOX);
    const told = await rack.udhcpc(machine);
    await vi.waitFor(() => expect(told().at(-1)).toBe('bound 10.78.0.100'), 10_000);
    await database.source.query(`update lease set mac = $1, expires_at = now() + interval '1 hour'`, [LATE]);
    await vi.waitFor(() => expect(told().at(-1)).toBe('bound 10.78.0.101'), 20_000);
    expect(told().join()).toContain('nak');
    const naks = server.output.split('\n').filter((line) => line.includes('"type":6'));
    expect(naks.length).toBe(1);
    expect(naks[0]).toContain('"to":{"address":"10.78.0.100","port":68}');
    expect(await leases()).toMatchObject([
      { ip: '10.78.0.100', mac: LATE, state: 'bound', lives: true },
      { ip: '10.78.0.101', mac: BUSYBOX, state: 'bound', lives: true },
    ]);
  }, 60_000);
});
