import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NodeRepository } from '../../../src/persistence/node/node.repository.js';
import { PortRepository } from '../../../src/persistence/port/port.repository.js';
import { startTestDatabase, type TestDatabase, testKeyring } from '../../support/database.js';
import { bundle, isRoot, Rack } from '../../support/netboot/rack.js';

const MAC = '02:00:00:00:00:0a';
/** As large as undionly.kpxe. */
const file = randomBytes(74_000);
let database: TestDatabase;
let rack: Rack;
let client: string;

/** After three lost answers to its request udhcpc begins anew: at once, where it would sit for 20 s. */
const DHCP = ['-i', 'eth0', '-f', '-q', '-t', '20', '-T', '1', '-A', '1', '-s', '/bin/true'];

beforeAll(async () => {
  if (!isRoot) return;
  database = await startTestDatabase();
  const nodes = new NodeRepository(database.source, testKeyring());
  const node = await nodes.create({ uuid: randomUUID(), driver: 'ipmi', provision_state: 'enroll' });
  await new PortRepository(database.source).create({
    uuid: randomUUID(),
    node_uuid: node.uuid,
    address: MAC,
  });
  rack = new Rack();
  const server = rack.add('server');
  client = rack.add('client');
  rack.wire(
    { in: server, as: 'srv', ip: '10.77.0.1/24' },
    { in: client, as: 'eth0', ip: '10.77.0.9/24', mac: MAC },
  );
  writeFileSync(join(rack.directory, 'file'), file);
  const section = {
    dhcp: {
      interface: 'srv',
      subnets: [{ cidr: '10.77.0.0/24', range_start: '10.77.0.100', range_end: '10.77.0.120' }],
      hosts: [{ mac: MAC, ip: '10.77.0.9' }],
    },
    tftp: { listen: '10.77.0.1' },
    http: { listen: null },
    files: { file: join(rack.directory, 'file') },
  };
  const daemon = await bundle('test/support/netboot/netboot-daemon.ts');
  await rack.start(server, daemon, [
    JSON.stringify({ section, connection: database.connection, level: 'warn' }),
  ]);
  // Files are for machines that have a lease.
  const { output: lease } = await rack.run(client, ['udhcpc', ...DHCP], 60_000);
  expect(lease).toContain('lease of 10.77.0.9 obtained');
  // A classic BPF program that draws a random number and drops three packets of ten, on both ends of the wire.
  const dropped = Math.round(0.3 * 2 ** 32);
  const program = `4,32 0 0 4294963256,53 1 0 ${dropped},6 0 0 2,6 0 0 0`;
  for (const [namespace, device] of [
    [server, 'srv'],
    [client, 'eth0'],
  ] as const) {
    for (const args of [
      ['qdisc', 'add', 'dev', device, 'clsact'],
      ['filter', 'add', 'dev', device, 'ingress', 'bpf', 'da', 'bytecode', program],
    ]) {
      const { status, output } = await rack.run(namespace, ['tc', ...args]);
      if (status !== 0) throw new Error(output);
    }
  }
});
afterAll(async () => {
  await rack?.stop();
  await database?.stop();
});

// Both mostly wait for packets that do not come: side by side.
describe.skipIf(!isRoot)('at a loss of 30 % in each direction', () => {
  it.concurrent('every TFTP transfer arrives whole', async () => {
    const get = async (i: number) => {
      const out = join(rack.directory, `out.${i}`);
      const args = ['-sS', '--tftp-blksize', '1468', '-o', out, 'tftp://10.77.0.1/file'];
      const { output } = await rack.run(client, ['curl', ...args], 110_000);
      return existsSync(out) && readFileSync(out).equals(file) ? 'whole' : `not whole: ${output}`;
    };
    expect(await Promise.all(Array.from({ length: 8 }, (_, i) => get(i)))).toEqual(Array(8).fill('whole'));
  }, 120_000);

  it.concurrent('every DHCP exchange ends in a lease', async () => {
    for (let i = 0; i < 5; i++) {
      const { output } = await rack.run(client, ['udhcpc', ...DHCP], 60_000);
      expect(output).toContain('lease of 10.77.0.9 obtained');
    }
  }, 120_000);
});
