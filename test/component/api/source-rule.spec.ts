import { randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { netbootSection } from '../../../src/config/section/netboot.js';
import { NetbootServers } from '../../../src/netboot/servers.js';
import { LeaseRepository } from '../../../src/persistence/lease/lease.repository.js';
import { decodeTftp, encodeTftp } from '../../../src/protocol/tftp/packet.js';
import { NETBOOT_PARTS } from '../../../src/start/netboot-parts.js';
import { startApi } from '../../support/api.js';
import { BY } from '../../support/conductor.js';
import { silentLog, startTestDatabase, type TestDatabase } from '../../support/database.js';
import { onDisk } from '../../support/published.js';

/** Addresses of this machine, as if each were another one's. */
const MACHINE = '127.0.1.1';
const OTHER = '127.0.1.2';
const STRANGER = '127.0.1.9';
const MAC = '52:54:00:12:34:56';
const SECOND = '52:54:00:12:34:57';
const OTHER_MAC = '52:54:00:00:00:02';

let database: TestDatabase;
let leases: LeaseRepository;
let server: Awaited<ReturnType<typeof startApi>>;
let netboot: NetbootServers;
let node: string;
let other: string;
const directory = mkdtempSync(join(tmpdir(), 'ferric-source-'));

type Options = NonNullable<Parameters<typeof startApi>[1]>;

async function start(options: Options = { conductorOptions: { dhcp: 'server' } }): Promise<void> {
  server = await startApi(database, options);
  const section = netbootSection.parse({
    http: { listen: '0.0.0.0', port: 0, public_url: 'http://127.0.0.1' },
    tftp: { listen: '127.0.0.1', port: 0 },
  });
  const memory = NETBOOT_PARTS.from(server.container);
  netboot = new NetbootServers(section, [directory], memory, silentLog);
  await netboot.start();
  node = await enrol(MAC, SECOND);
  other = await enrol(OTHER_MAC);
  await database.source.query(`update node set provision_state = 'wait call-back'`);
  writeFileSync(join(directory, 'kernel'), 'kernel');
  for (const node_uuid of [node, other]) {
    const files = (['http', 'tftp'] as const).map((service) =>
      onDisk(service, `${node_uuid}/deploy_kernel`, join(directory, 'kernel')),
    );
    await memory.published.publish({ node_uuid, publisher: 'boot', life: 'node', conductor: 'here', files });
  }
}

async function enrol(...macs: string[]): Promise<string> {
  const { uuid } = (await server.api.post('/v1/nodes', { driver: 'fake-hardware' })).json as { uuid: string };
  for (const address of macs) await server.api.post('/v1/ports', { node_uuid: uuid, address });
  return uuid;
}

beforeAll(async () => {
  database = await startTestDatabase();
  leases = new LeaseRepository(database.source);
});
beforeEach(async () => {
  await database.source.query('truncate node, lease cascade');
});
afterEach(async () => {
  await netboot.stop(AbortSignal.abort());
  await server.stop();
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await database.stop();
});

/** As the DHCP server does it. */
async function bind(ip: string, mac = MAC): Promise<void> {
  const client = {
    mac,
    node_uuid: node,
    port_uuid: randomUUID(),
    arch: null,
    vendor_class: null,
    hostname: null,
  };
  const choice = { network: `${ip}/8`, fixed: ip, pool: null, excluded: [] };
  expect(await leases.offer(client, choice)).toMatchObject({ ip });
  expect(await leases.claim(client, ip, choice, 600)).toBe(true);
}

async function ask(from: string, url: string, body?: object): Promise<number> {
  const headers = { 'x-openstack-ironic-api-version': '1.84', 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const sent = request(url, { localAddress: from, method: body ? 'POST' : 'GET', headers, agent: false });
    sent.on('response', (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode!));
    });
    sent.on('error', reject);
    sent.end(body ? JSON.stringify(body) : undefined);
  });
}

const lookUp = (from: string, query = `addresses=${MAC}`) =>
  ask(from, `${server.agent.base}/v1/lookup?${query}`);
const beat = (from: string, agent_token = 'x') =>
  ask(from, `${server.agent.base}/v1/heartbeat/${node}`, {
    callback_url: `https://${from}:9999`,
    agent_token,
    agent_version: '1',
  });
const report = (from: string, query = '', mac = MAC) =>
  ask(from, `${server.agent.base}/v1/continue_inspection${query}`, {
    inventory: { interfaces: [{ mac_address: mac, name: 'eth0' }], memory: { physical_mb: 666 } },
  });
const byHttp = (from: string, name: string) => ask(from, `http://127.0.0.1:${netboot.http.port}/${name}`);

async function byTftp(from: string, filename: string): Promise<string> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, from, resolve));
  try {
    return await new Promise((resolve) => {
      socket.on('message', (bytes) => {
        const packet = decodeTftp(bytes);
        resolve(packet.op === 'error' ? packet.message : packet.op);
      });
      socket.send(
        encodeTftp({ op: 'rrq', filename, mode: 'octet', options: new Map() } as never),
        netboot.tftp.port!,
        '127.0.0.1',
      );
    });
  } finally {
    socket.close();
  }
}

/** Every door, by the same address. */
async function doors(from: string): Promise<Record<string, unknown>> {
  await database.source.query(`update node set provision_state = 'inspect wait' where uuid = $1`, [node]);
  await database.source.query(`update node set inspect_interface = 'agent' where uuid = $1`, [node]);
  const { parts } = server;
  await parts.nodes.update(node, { driver_internal_info: { agent_secret_token: 'x' } }, null);
  return {
    lookup: await lookUp(from),
    'lookup by UUID': await lookUp(from, `node_uuid=${node}`),
    heartbeat: await beat(from),
    http: await byHttp(from, `${node}/deploy_kernel`),
    'script for everybody': await byHttp(from, 'boot.ipxe'),
    tftp: await byTftp(from, `${node}/deploy_kernel`),
    inspection: await report(from),
    'inspection by UUID': await report(from, `?node_uuid=${node}`),
  };
}
const OPEN = {
  lookup: 200,
  'lookup by UUID': 200,
  heartbeat: 202,
  http: 200,
  'script for everybody': 200,
  tftp: 'data',
  inspection: 202,
  'inspection by UUID': 202,
};
const SHUT = {
  ...Object.fromEntries(Object.keys(OPEN).map((key) => [key, 404])),
  tftp: 'no such file',
};

describe('with DHCP of our own', () => {
  beforeEach(() => start());

  it('no address opens a door before DHCP gave it to the machine', async () => {
    for (const from of [MACHINE, STRANGER, '127.0.0.1']) expect(await doors(from)).toEqual(SHUT);
  });

  it('the machine’s own address opens all, and no other does', async () => {
    await bind(MACHINE);
    await bind(OTHER, OTHER_MAC);
    expect(await doors(STRANGER)).toEqual(SHUT);
    // Another machine has what is for everybody.
    expect(await doors(OTHER)).toEqual({ ...SHUT, 'script for everybody': 200 });
    expect(await byHttp(MACHINE, `${other}/deploy_kernel`)).toBe(404);
    expect(await doors(MACHINE)).toEqual(OPEN);
  });

  it('the address of any of its ports does', async () => {
    await bind(MACHINE, SECOND);
    expect(await doors(MACHINE)).toEqual(OPEN);
  });

  it.each([
    ['runs out', `update lease set expires_at = now() - interval '1 second'`],
    ['is released', `update lease set state = 'released'`],
    ['is offered only', `update lease set state = 'offered'`],
    ['is declined', `update lease set state = 'declined', mac = null`],
    ['is of a port that is another node’s now', `update port set node_uuid = $1 where address = '${MAC}'`],
    ['is of a port that is gone', `delete from port where address = '${MAC}'`],
  ])('none does once its lease %s', async (_what, statement) => {
    await bind(MACHINE);
    await database.source.query(statement, statement.includes('$1') ? [other] : []);
    const { 'lookup by UUID': lookup, heartbeat, http: file, tftp: file2 } = await doors(MACHINE);
    expect([lookup, heartbeat, file, file2]).toEqual([404, 404, 404, 'no such file']);
  });

  it.each(['power on', 'rebooting', 'soft rebooting', 'power off'] as const)(
    'a lease from before a "%s" opens nothing until it is renewed',
    async (target) => {
      await bind(MACHINE);
      await database.source.query(`update node set provision_state = 'manageable', power_state = $1`, [
        target === 'power on' ? 'power off' : 'power on',
      ]);
      await server.conductor.verbs.setPower(node, target, null, BY);
      await server.settle(node, 'manageable');
      await expect.poll(async () => (await server.parts.nodes.get(node)).target_power_state).toBeNull();
      expect(await doors(MACHINE)).toEqual(SHUT);
      await bind(MACHINE);
      expect(await doors(MACHINE)).toEqual(OPEN);
    },
  );

  it('a machine that is no node may report itself only where discovery is on, and from no other’s address', async () => {
    await bind(OTHER, OTHER_MAC);
    expect(await report(STRANGER, '', '52:54:00:99:99:99')).toBe(404);
    await server.stop();
    await netboot.stop(AbortSignal.abort());
    await database.source.query('truncate node cascade');
    const auto_discovery = { enabled: true, driver: 'fake-hardware', max_nodes: 9 };
    await start({ conductorOptions: { dhcp: 'server', inspector: { auto_discovery } } });
    await bind(OTHER, OTHER_MAC);
    expect(await report(OTHER, '', '52:54:00:99:99:99')).toBe(404);
    expect(await doors(STRANGER)).toEqual(SHUT);
    expect(await report(STRANGER, '', '52:54:00:99:99:99')).toBe(202);
  });
});

it('agent.unleased_networks: an address there acts for a machine without a lease, and for no other', async () => {
  await start({ agent: { unleased_networks: ['127.0.1.0/28'] }, conductorOptions: { dhcp: 'server' } });
  expect(await doors('127.0.1.17')).toEqual(SHUT);
  expect(await doors(STRANGER)).toEqual(OPEN);
  await bind(MACHINE);
  expect(await doors(STRANGER)).toEqual({ ...SHUT, 'script for everybody': 200 });
  expect(await doors(MACHINE)).toEqual(OPEN);
});

it.each([{}, { dhcp: 'proxy' }] as const)(
  'without addresses of our own (%j) the allowed networks alone decide, at every door',
  async (conductorOptions) => {
    await start({ agent: { allowed_networks: ['127.0.1.0/28'] }, conductorOptions });
    expect(await doors('127.0.1.17')).toEqual(SHUT);
    expect(await doors(STRANGER)).toEqual(OPEN);
  },
);
