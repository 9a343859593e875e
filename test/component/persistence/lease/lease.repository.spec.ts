import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type AddressChoice,
  type LeaseClient,
  LeaseRepository,
} from '../../../../src/persistence/lease/lease.repository.js';
import { NodeRepository } from '../../../../src/persistence/node/node.repository.js';
import { startTestDatabase, type TestDatabase, testKeyring } from '../../../support/database.js';

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
  network: '10.77.0.0/24',
  fixed: null,
  pool: { start: '10.77.0.10', end: `10.77.0.${last}` },
  excluded: [],
  ...change,
});
const OTHER = { network: '10.78.0.0/24', pool: { start: '10.78.0.10', end: '10.78.0.20' } };
const offer = async (who: LeaseClient, choice: AddressChoice, wanted: string | null = null) =>
  (await leases.offer(who, choice, wanted))?.ip ?? null;
const claim = (who: LeaseClient, ip: string, choice = pool(20)) => leases.claim(who, ip, choice, 600);
const rows = () => database.source.query<object[]>('select *, host(ip) as ip from lease order by lease.ip');
const expire = () => database.source.query(`update lease set expires_at = now() - interval '1 second'`);

describe('an offer', () => {
  it('gives a hundred callers a hundred addresses, and the same ones to who asks twice', async () => {
    const clients = Array.from({ length: 100 }, (_, i) => client(i));
    const both = await Promise.all([...clients, ...clients].map((row) => offer(row, pool(109))));
    expect(new Set(both).size).toBe(100);
    expect(both.slice(0, 100)).toEqual(both.slice(100));
    expect(await offer(client(100), pool(109))).toBeNull();
  });

  it('keeps to a MAC its address over expiry, release and other clients', async () => {
    const first = await offer(client(1), pool(20));
    await claim(client(1), first!);
    await leases.release(client(1).mac, first!);
    await expire();
    await offer(client(2), pool(20));
    expect(await offer(client(1), pool(20))).toBe(first);
  });

  it('takes an expired address only when no other is left, the oldest first', async () => {
    const [a, b] = [await offer(client(1), pool(11)), await offer(client(2), pool(11))];
    expect(await offer(client(3), pool(11))).toBeNull();
    await database.source.query(`update lease set expires_at = now() - interval '1 hour' where ip = $1`, [b]);
    await database.source.query(`update lease set expires_at = now() - interval '1 minute' where ip = $1`, [
      a,
    ]);
    expect(await offer(client(3), pool(11))).toBe(b);
    expect(await offer(client(2), pool(11))).toBe(a);
  });

  it('gives the wanted one where it is free, and never one that is excluded', async () => {
    expect(await offer(client(1), pool(20), '10.77.0.17')).toBe('10.77.0.17');
    expect(await offer(client(2), pool(20), '10.77.0.17')).toBe('10.77.0.10');
    expect(await offer(client(3), pool(20), '10.99.0.1')).toBe('10.77.0.11');
    const excluded = ['10.77.0.12', '10.77.0.13'];
    expect(await offer(client(4), pool(20, { excluded }), '10.77.0.13')).toBe('10.77.0.14');
  });

  it('is one in each network, and takes no lease in another away', async () => {
    const first = (await offer(client(1), pool(20)))!;
    await claim(client(1), first);
    const other = pool(20, OTHER);
    expect(await offer(client(1), other)).toBe('10.78.0.10');
    expect(await claim(client(1), '10.78.0.10', other)).toBe(true);
    expect(await rows()).toMatchObject([
      { ip: first, state: 'bound', mac: client(1).mac },
      { ip: '10.78.0.10', state: 'bound', mac: client(1).mac },
    ]);
    expect(await offer(client(2), pool(10))).toBeNull();
  });

  it('gives a static address to its MAC, but not while another holds it', async () => {
    const fixed = pool(20, { fixed: '10.77.0.10' });
    await offer(client(1), pool(20));
    expect(await offer(client(2), fixed)).toBeNull();
    await expire();
    expect(await offer(client(2), fixed)).toBe('10.77.0.10');
    expect(await offer(client(2), { ...fixed, fixed: '10.80.0.1', pool: null })).toBe('10.80.0.1');
  });

  it('has none without pool and static address', async () => {
    expect(await offer(client(1), pool(20, { pool: null }))).toBeNull();
  });

  it('walks over octets and finds the last free one of 1000', async () => {
    const wide = pool(0, { network: '10.70.0.0/16', pool: { start: '10.70.0.250', end: '10.70.4.225' } });
    await database.source.query(
      `insert into lease (ip, state, expires_at) select '10.70.0.250'::inet + n, 'bound', now() + interval '1 day'
       from generate_series(0, 998) n where n <> 500`,
    );
    expect(await offer(client(1), wide)).toBe('10.70.2.238');
    expect(await offer(client(2), wide)).toBe('10.70.4.225');
    expect(await offer(client(3), wide)).toBeNull();
  });

  it('remembers hostile texts cut to the column', async () => {
    await offer(client(1, { hostname: `${'x'.repeat(300)}`, vendor_class: 'a\0b' }), pool(20));
    expect(await leases.byMac(client(1).mac)).toMatchObject({
      hostname: 'x'.repeat(255),
      vendor_class: 'ab',
      arch: 'bios',
    });
  });
});

describe('a lease', () => {
  it('is active from bind to expiry', async () => {
    const ip = (await offer(client(1), pool(20)))!;
    expect(await leases.byMac(client(1).mac)).toMatchObject({ ip, state: 'offered' });
    expect(await claim(client(1), ip)).toBe(true);
    expect(await leases.byMac(client(1).mac)).toMatchObject({ ip, state: 'bound' });
    await expire();
    expect((await leases.byMac(client(1).mac))!.expires_at.getTime()).toBeLessThan(Date.now());
  });

  it('stays bound while the client asks again', async () => {
    const ip = (await offer(client(1), pool(20)))!;
    await claim(client(1), ip);
    await offer(client(1), pool(20));
    const lease = await leases.byMac(client(1).mac);
    expect(lease!.expires_at.getTime()).toBeGreaterThan(Date.now() + 500_000);
  });

  it('is not bound for another MAC, nor released or declined by one', async () => {
    const ip = (await offer(client(1), pool(20)))!;
    expect(await claim(client(2), ip)).toBe(false);
    await claim(client(1), ip);
    await leases.release(client(2).mac, ip);
    await leases.decline(client(2).mac, ip);
    expect(await leases.byMac(client(1).mac)).toMatchObject({ ip, state: 'bound' });
  });

  it('is released by its own MAC, but not while its boot is under way', async () => {
    const nodes = new NodeRepository(database.source, testKeyring());
    const { uuid } = await nodes.create({
      uuid: randomUUID(),
      driver: 'ipmi',
      provision_state: 'wait call-back',
    });
    const machine = client(1, { node_uuid: uuid });
    const ip = (await offer(machine, pool(20)))!;
    await claim(machine, ip);
    const aim = (target: string | null) =>
      database.source.query(`update node set target_provision_state = $1`, [target]);
    await aim('active');
    expect(await leases.release(machine.mac, ip)).toBe(false);
    expect(await rows()).toMatchObject([{ ip, state: 'bound' }]);
    await aim(null);
    expect(await leases.release(machine.mac, ip)).toBe(true);
    expect(await leases.release(machine.mac, ip)).toBe(false);
    expect(await rows()).toMatchObject([{ ip, state: 'released', mac: client(1).mac }]);
  });
});

describe('a request', () => {
  it('that is refused changes nothing (RFC 2131 §4.3.2)', async () => {
    const mine = (await offer(client(1), pool(20)))!;
    await claim(client(1), mine);
    const others = (await offer(client(2), pool(20)))!;
    const before = await rows();
    const refused: [string, AddressChoice][] = [
      [others, pool(20)],
      ['10.77.0.15', pool(20)], // it has another
      ['192.168.9.9', pool(20)],
      ['10.77.0.200', pool(20)], // outside of the pool
      [mine, pool(20, { excluded: [mine] })],
      [mine, pool(20, { fixed: '10.77.0.5' })],
      [mine, pool(20, OTHER)],
      [mine, pool(20, { pool: null })],
    ];
    for (const [ip, choice] of refused) expect(await claim(client(1), ip, choice)).toBe(false);
    expect(await rows()).toEqual(before);
  });

  it('for a lease that is not known any more is granted where the address is free', async () => {
    expect(await claim(client(1), '10.77.0.17')).toBe(true);
    expect(await claim(client(2), '10.77.0.17')).toBe(false);
    expect(await claim(client(2), '10.77.0.9')).toBe(false);
    expect(await rows()).toMatchObject([{ ip: '10.77.0.17', state: 'bound', mac: client(1).mac }]);
    await expire();
    expect(await claim(client(1), '10.77.0.17')).toBe(true);
  });

  it('of a hundred machines for one address is granted to one', async () => {
    const granted = await Promise.all(Array.from({ length: 100 }, (_, i) => claim(client(i), '10.77.0.17')));
    expect(granted.filter(Boolean)).toHaveLength(1);
  });

  it('leaves the address that it had before alone until its time is over', async () => {
    const first = (await offer(client(1), pool(20)))!;
    await claim(client(1), first);
    const fixed = pool(20, { fixed: '10.77.0.5' });
    expect(await offer(client(1), fixed)).toBe('10.77.0.5');
    expect(await rows()).toMatchObject([{ state: 'offered' }, { ip: first, state: 'bound' }]);
    expect(await claim(client(1), '10.77.0.5', fixed)).toBe(true);
    expect(await rows()).toMatchObject([{ state: 'bound' }, { ip: first, state: 'released' }]);
    expect(await offer(client(2), pool(10))).toBeNull();
  });
});

describe('a declined address', () => {
  const decline = (number: number, ip: string) => leases.decline(client(number).mac, ip);

  it('that was only offered is set aside at once', async () => {
    const ip = (await offer(client(1), pool(11)))!;
    expect(await decline(1, ip)).toBe(true);
    expect(await rows()).toMatchObject([{ ip, state: 'declined', mac: null, node_uuid: null }]);
    expect(await offer(client(1), pool(11))).toBe('10.77.0.11');
  });

  it('that is bound stays so until its client has taken another', async () => {
    const ip = (await offer(client(1), pool(11)))!;
    await claim(client(1), ip);
    expect(await decline(1, ip)).toBe(true);
    expect(await rows()).toMatchObject([{ ip, state: 'bound', mac: client(1).mac, of_this_boot: true }]);
    expect(await offer(client(2), pool(10))).toBeNull();
    const next = (await offer(client(1), pool(11)))!;
    expect(next).toBe('10.77.0.11');
    expect(await claim(client(1), next)).toBe(true);
    expect(await rows()).toMatchObject([
      { ip, state: 'declined', mac: null, node_uuid: null },
      { ip: next, state: 'bound' },
    ]);
  });

  it('that its client goes on with was not declined by it', async () => {
    const ip = (await offer(client(1), pool(11)))!;
    await claim(client(1), ip);
    await decline(1, ip);
    expect(await claim(client(1), ip)).toBe(true);
    expect(await offer(client(1), pool(11))).toBe(ip);
  });

  it('is given to others before anybody goes without, after all that are free or over', async () => {
    for (const [number, ip] of [
      [1, '10.77.0.10'],
      [2, '10.77.0.11'],
    ] as const) {
      expect(await offer(client(number), pool(12), ip)).toBe(ip);
      await decline(number, ip);
    }
    expect(await offer(client(3), pool(12))).toBe('10.77.0.12');
    // Another's before its own.
    expect(await offer(client(1), pool(12))).toBe('10.77.0.11');
    expect(await offer(client(4), pool(12))).toBe('10.77.0.10');
    expect(await offer(client(5), pool(12))).toBeNull();
  });

  it('is one of three at most for a MAC address at a time', async () => {
    const seen: string[] = [];
    for (let i = 0; i < 51; i++) {
      const ip = (await offer(client(1), pool(60)))!;
      await claim(client(1), ip);
      seen.push(ip);
      expect(await decline(1, ip)).toBe(i < 3);
    }
    expect(new Set(seen).size).toBe(4);
    expect(await rows()).toHaveLength(4);
    await database.source.query(`update lease set declined_at = declined_at - interval '901 seconds'`);
    expect(await decline(1, seen[50]!)).toBe(true);
  });

  it('is its own client’s still where it is static', async () => {
    const fixed = pool(20, { fixed: '10.77.0.5' });
    for (let i = 0; i < 2; i++) {
      expect(await offer(client(1), fixed)).toBe('10.77.0.5');
      await decline(1, '10.77.0.5');
    }
    expect(await offer(client(1), fixed)).toBe('10.77.0.5');
    await claim(client(1), '10.77.0.5', fixed);
    await decline(1, '10.77.0.5');
    expect(await offer(client(1), fixed)).toBe('10.77.0.5');
  });

  it('may be found by a probe', async () => {
    const found = (await leases.offer(client(1), pool(11)))!;
    expect(found).toEqual({ ip: '10.77.0.10', fresh: true });
    await leases.setAside(client(1).mac, found.ip);
    expect(await leases.offer(client(1), pool(11))).toEqual({ ip: '10.77.0.11', fresh: true });
    expect(await leases.offer(client(1), pool(11))).toEqual({ ip: '10.77.0.11', fresh: false });
    await claim(client(1), '10.77.0.11');
    await leases.setAside(client(1).mac, '10.77.0.11'); // a late word does not take a lease
    expect(await rows()).toMatchObject([{ state: 'declined' }, { state: 'bound' }]);
  });
});
