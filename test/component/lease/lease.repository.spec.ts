import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type AddressChoice,
  type LeaseClient,
  LeaseRepository,
} from '../../../src/lease/lease.repository.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let leases: LeaseRepository;
beforeAll(async () => {
  database = await startTestDatabase();
  leases = new LeaseRepository(database.source);
});
afterAll(() => database.stop());
beforeEach(() => database.clear());

const client = (number: number, change: Partial<LeaseClient> = {}): LeaseClient => ({
  mac: `52:54:00:00:${(number >> 8).toString(16).padStart(2, '0')}:${(number & 255).toString(16).padStart(2, '0')}`,
  node_uuid: randomUUID(),
  port_uuid: randomUUID(),
  arch: 'bios',
  vendor_class: 'PXEClient',
  hostname: null,
  ...change,
});
const pool = (last: number, change: Partial<AddressChoice> = {}): AddressChoice => ({
  fixed: null,
  pool: { start: '10.77.0.10', end: `10.77.0.${last}` },
  excluded: [],
  wanted: null,
  ...change,
});
const expire = () => database.source.query(`update lease set expires_at = now() - interval '1 second'`);

describe('allocate', () => {
  it('gives a hundred callers a hundred addresses, and the same ones to who asks twice', async () => {
    const clients = Array.from({ length: 100 }, (_, i) => client(i));
    const both = await Promise.all([...clients, ...clients].map((row) => leases.allocate(row, pool(109))));
    expect(new Set(both).size).toBe(100);
    expect(both.slice(0, 100)).toEqual(both.slice(100));
    expect(await leases.allocate(client(100), pool(109))).toBeNull();
  });

  it('keeps to a MAC its address over expiry, release and other clients', async () => {
    const first = await leases.allocate(client(1), pool(20));
    await leases.bind(client(1).mac, first!, 600);
    await leases.release(client(1).mac, first!);
    await expire();
    await leases.allocate(client(2), pool(20));
    expect(await leases.allocate(client(1), pool(20))).toBe(first);
  });

  it('takes an expired address only when no other is left, the oldest first', async () => {
    const [a, b] = [await leases.allocate(client(1), pool(11)), await leases.allocate(client(2), pool(11))];
    expect(await leases.allocate(client(3), pool(11))).toBeNull();
    await database.source.query(`update lease set expires_at = now() - interval '1 hour' where ip = $1`, [b]);
    await database.source.query(`update lease set expires_at = now() - interval '1 minute' where ip = $1`, [
      a,
    ]);
    expect(await leases.allocate(client(3), pool(11))).toBe(b);
    expect(await leases.allocate(client(2), pool(11))).toBe(a);
  });

  it('gives the wanted one where it is free, and never one that is excluded', async () => {
    expect(await leases.allocate(client(1), pool(20, { wanted: '10.77.0.17' }))).toBe('10.77.0.17');
    expect(await leases.allocate(client(2), pool(20, { wanted: '10.77.0.17' }))).toBe('10.77.0.10');
    expect(await leases.allocate(client(3), pool(20, { wanted: '10.99.0.1' }))).toBe('10.77.0.11');
    const excluded = ['10.77.0.12', '10.77.0.13'];
    expect(await leases.allocate(client(4), pool(20, { excluded, wanted: '10.77.0.13' }))).toBe('10.77.0.14');
  });

  it('moves a MAC into the network it asks from', async () => {
    await leases.allocate(client(1), pool(20));
    const other = pool(20, { pool: { start: '10.78.0.10', end: '10.78.0.20' } });
    expect(await leases.allocate(client(1), other)).toBe('10.78.0.10');
    expect(await leases.allocate(client(2), pool(10))).toBe('10.77.0.10');
  });

  it('gives a static address to its MAC, but not while another holds it', async () => {
    const fixed = pool(20, { fixed: '10.77.0.10' });
    await leases.allocate(client(1), pool(20));
    expect(await leases.allocate(client(2), fixed)).toBeNull();
    await expire();
    expect(await leases.allocate(client(2), fixed)).toBe('10.77.0.10');
    expect(await leases.allocate(client(2), { ...fixed, fixed: '10.80.0.1', pool: null })).toBe('10.80.0.1');
  });

  it('has none without pool and static address', async () => {
    expect(await leases.allocate(client(1), pool(20, { pool: null }))).toBeNull();
  });

  it('walks over octets and finds the last free one of 1000', async () => {
    const wide = pool(0, { pool: { start: '10.70.0.250', end: '10.70.4.225' } });
    await database.source.query(
      `insert into lease (ip, state, expires_at) select '10.70.0.250'::inet + n, 'declined', now() + interval '1 day'
       from generate_series(0, 998) n where n <> 500`,
    );
    expect(await leases.allocate(client(1), wide)).toBe('10.70.2.238');
    expect(await leases.allocate(client(2), wide)).toBe('10.70.4.225');
    expect(await leases.allocate(client(3), wide)).toBeNull();
  });

  it('remembers hostile texts cut to the column', async () => {
    await leases.allocate(client(1, { hostname: `${'x'.repeat(300)}`, vendor_class: 'a\0b' }), pool(20));
    expect(await leases.byMac(client(1).mac)).toMatchObject({
      hostname: 'x'.repeat(255),
      vendor_class: 'ab',
      arch: 'bios',
    });
  });
});

describe('a lease', () => {
  it('is active from bind to expiry', async () => {
    const ip = (await leases.allocate(client(1), pool(20)))!;
    expect(await leases.byMac(client(1).mac)).toMatchObject({ ip, state: 'offered' });
    expect(await leases.bind(client(1).mac, ip, 600)).toBe(true);
    expect(await leases.byMac(client(1).mac)).toMatchObject({ ip, state: 'bound' });
    await expire();
    expect((await leases.byMac(client(1).mac))!.expires_at.getTime()).toBeLessThan(Date.now());
  });

  it('stays bound while the client asks again', async () => {
    const ip = (await leases.allocate(client(1), pool(20)))!;
    await leases.bind(client(1).mac, ip, 600);
    await leases.allocate(client(1), pool(20));
    const lease = await leases.byMac(client(1).mac);
    expect(lease!.expires_at.getTime()).toBeGreaterThan(Date.now() + 500_000);
  });

  it('is not bound for another MAC, nor released or declined by one', async () => {
    const ip = (await leases.allocate(client(1), pool(20)))!;
    expect(await leases.bind(client(2).mac, ip, 600)).toBe(false);
    await leases.bind(client(1).mac, ip, 600);
    await leases.release(client(2).mac, ip);
    await leases.decline(client(2).mac, ip);
    expect(await leases.byMac(client(1).mac)).toMatchObject({ ip, state: 'bound' });
  });

  it('declined: the MAC gets another, and nobody the declined one for a while', async () => {
    const ip = (await leases.allocate(client(1), pool(11)))!;
    await leases.decline(client(1).mac, ip);
    expect(await leases.allocate(client(1), pool(11))).toBe('10.77.0.11');
    expect(await leases.allocate(client(2), pool(11))).toBeNull();
  });
});
