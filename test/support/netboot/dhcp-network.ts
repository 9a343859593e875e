import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { BootPlanRepository } from '../../../src/persistence/boot-plan/boot-plan.repository.js';
import { NodeRepository } from '../../../src/persistence/node/node.repository.js';
import { PortRepository } from '../../../src/persistence/port/port.repository.js';
import { startTestDatabase, type TestDatabase, testKeyring } from '../database.js';
import { bundle, Rack, type Started } from './rack.js';

/** An address with a boot plan. */
export const KNOWN = '02:00:00:00:00:0a';
/** An address of the same node, without one. */
export const DISKBOOT = '02:00:00:00:00:0d';
/** An address with a fixed IP address. */
export const STATIC = '02:00:00:00:00:05';

export const SUBNET = {
  cidr: '10.77.0.0/24',
  range_start: '10.77.0.100',
  range_end: '10.77.0.120',
  routers: ['10.77.0.1'],
  dns_servers: ['10.77.0.2'],
  domain_name: 'rack.example',
};
export const DHCP = {
  interface: 'srv',
  lease_time: 300,
  subnets: [SUBNET],
  hosts: [{ mac: STATIC, ip: '10.77.0.50', hostname: 'bm-5' }],
};

/** `srv` in the server's namespace, wired to `eth0` of the client. A second pair stands for a foreign network. */
export class DhcpNetwork extends Rack {
  readonly server = this.add('server');
  readonly client = this.add('client');
  constructor(
    private readonly site: DhcpSite,
    mac = KNOWN,
  ) {
    super();
    this.wire({ in: this.server, as: 'srv', ip: '10.77.0.1/24' }, { in: this.client, as: 'eth0', mac });
  }

  serve(section: object = {}): Promise<Started> {
    const whole = { dhcp: { ...DHCP, ...section }, http: { listen: '10.77.0.1' } };
    return this.start(this.server, this.site.daemon, [
      JSON.stringify({ section: whole, connection: this.site.database.connection }),
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

/** A database with one node and its ports, and the programs of server and clients. */
class DhcpSite {
  database!: TestDatabase;
  daemon!: string;
  loader!: string;
  node_uuid!: string;

  async start(): Promise<void> {
    this.database = await startTestDatabase();
    this.daemon = await bundle('test/support/netboot/netboot-daemon.ts');
    this.loader = await bundle('test/support/netboot/dhcp-load.ts');
    const { source } = this.database;
    const nodes = new NodeRepository(source, testKeyring());
    const ports = new PortRepository(source);
    const { uuid } = await nodes.create({ uuid: randomUUID(), driver: 'ipmi', provision_state: 'enroll' });
    this.node_uuid = uuid;
    for (const address of [KNOWN, DISKBOOT, STATIC])
      await ports.create({ uuid: randomUUID(), node_uuid: uuid, address });
    const plan = {
      node_uuid: uuid,
      macs: [KNOWN, STATIC],
      kind: 'ipxe' as const,
      boot_mode: 'bios' as const,
    };
    await new BootPlanRepository(source).put(plan);
  }

  network(mac?: string): DhcpNetwork {
    return new DhcpNetwork(this, mac);
  }
}

/** A site that lives as long as the test file that calls this. */
export function useDhcpSite(): DhcpSite {
  const site = new DhcpSite();
  beforeAll(() => site.start());
  afterAll(() => site.database.stop());
  return site;
}
