import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LeaseRepository } from '../../../src/persistence/lease/lease.repository.js';
import { startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

/** The address that the BMCs of one maker all give their USB cards. */
const SHARED = 'be:3a:f2:b6:05:9f';
/** One that a maker assigned, twice. */
const TWICE = '00:a0:c9:00:00:00';
const [ONE, TWO] = ['a4:bf:01:00:00:01', 'a4:bf:01:00:00:02'];

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let one: string;
let two: string;

async function enrol(...macs: string[]): Promise<string> {
  const { uuid } = (
    await server.api.post('/v1/nodes', { driver: 'fake-hardware', inspect_interface: 'agent' })
  ).json as { uuid: string };
  for (const address of macs) await server.api.post('/v1/ports', { node_uuid: uuid, address });
  return uuid;
}
const start = async (options: NonNullable<Parameters<typeof startApi>[1]> = {}) => {
  server = await startApi(database, options);
  one = await enrol(ONE, SHARED, TWICE);
  two = await enrol(TWO, '00:a0:c9:00:00:01');
  await state('wait call-back');
};
const state = (name: string) => database.source.query('update node set provision_state = $1', [name]);
const lookUp = async (...macs: string[]) => {
  const answer = await server.agent.get(`/v1/lookup?addresses=${macs.join(',')}`);
  return answer.status === 200 ? (answer.json.node.uuid as string) : answer.status;
};
const told = async (uuid: string) => {
  const { json } = await server.api.get(`/v1/nodes/${uuid}`);
  const { history } = (await server.api.get(`/v1/nodes/${uuid}/history`)).json;
  const events = (history as { event: string }[]).filter(({ event }) => event.includes('several nodes'));
  return [String(json.last_error ?? ''), events.length] as const;
};

beforeAll(async () => {
  database = await startTestDatabase();
});
beforeEach(() => database.source.query('truncate node, lease, event cascade'));
afterEach(() => server.stop());
afterAll(() => database.stop());

describe('a lookup', () => {
  it('goes by what is the machine’s own, whoever has the port of a shared address', async () => {
    await start();
    expect(await lookUp(TWO, SHARED)).toBe(two);
    expect(await lookUp(ONE, SHARED)).toBe(one);
    // Of a machine that is no node the shared address says nothing.
    expect(await lookUp('a4:bf:01:00:00:77', SHARED)).toBe(404);
    expect(await told(two)).toEqual(['', 0]);
  });

  it('that could be several is told on every node that it could be, once', async () => {
    await start();
    for (let i = 0; i < 3; i++) expect(await lookUp(TWO, TWICE)).toBe(404);
    for (const uuid of [one, two]) {
      const [error, events] = await told(uuid);
      expect(error).toContain('ports of several nodes');
      for (const part of [one, two, TWO, TWICE, 'inspector.ignored_macs']) expect(error).toContain(part);
      expect(events).toBe(1);
    }
    await database.source.query('update node set provision_state = $1, last_error = null where uuid = $2', [
      'active',
      one,
    ]);
    expect(await lookUp(TWO, TWICE)).toBe(404);
    expect((await told(one))[0]).toBe('');
  });

  it('goes by the lease where it says whose machine it is', async () => {
    await start({ conductorOptions: { dhcp: 'server' } });
    const leases = new LeaseRepository(database.source);
    const client = {
      mac: TWO,
      node_uuid: two,
      port_uuid: randomUUID(),
      arch: null,
      vendor_class: null,
      hostname: null,
    };
    const choice = { network: '127.0.0.1/8', fixed: '127.0.0.1', pool: null, excluded: [] };
    await leases.offer(client, choice);
    expect(await leases.claim(client, '127.0.0.1', choice, 600)).toBe(true);
    expect(await lookUp(TWO, TWICE)).toBe(two);
    expect(await told(one)).toEqual(['', 0]);
  });

  it('passes over what is configured', async () => {
    await start({ conductorOptions: { inspector: { ignored_macs: [TWICE] } } });
    expect(await lookUp(TWO, TWICE)).toBe(two);
  });
});

describe('an inspection', () => {
  const report = (mac: string, more: object[] = []) =>
    server.agent.post('/v1/continue_inspection', {
      inventory: {
        interfaces: [
          { name: 'enp1s0', mac_address: mac, ipv4_address: '10.0.0.5' },
          { name: 'eth9', mac_address: SHARED, ipv4_address: '169.254.1.2' },
          ...more,
        ],
        memory: { physical_mb: 1024 },
        cpu: { architecture: 'x86_64', count: 1 },
      },
    });
  const ports = async (uuid: string) =>
    ((await server.api.get(`/v1/nodes/${uuid}/ports`)).json.ports as { address: string }[])
      .map(({ address }) => address)
      .toSorted();

  it('makes no port of an address that every such machine has, on either machine', async () => {
    server = await startApi(database, { conductorOptions: { inspector: { add_ports: 'all' } } });
    const uuids = [await enrol(ONE), await enrol(TWO)];
    for (const uuid of uuids) {
      await server.api.put(`/v1/nodes/${uuid}/states/provision`, { target: 'manage' });
      await server.settle(uuid, 'manageable');
      await server.api.put(`/v1/nodes/${uuid}/states/provision`, { target: 'inspect' });
      await server.settle(uuid, 'inspect wait');
    }
    const usb = [
      { name: 'usb0', mac_address: 'a4:bf:01:99:99:99', driver: 'cdc_ether', ipv4_address: '169.254.3.1' },
    ];
    for (const [mac, uuid] of [
      [ONE, uuids[0]!],
      [TWO, uuids[1]!],
    ] as const) {
      expect((await report(mac, usb)).json.node.uuid).toBe(uuid);
      await server.settle(uuid, 'manageable');
      expect(await ports(uuid)).toEqual([mac]);
    }
  });
});
