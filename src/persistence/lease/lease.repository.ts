import type { DataSource } from 'typeorm';
import { inTransaction, type Queryable } from '../../database/data-source.js';
import type { Lease } from './lease.entity.js';

/** Which addresses may be given. */
export interface AddressChoice {
  /** The client's network, in CIDR notation: a lease in another network does not count here. */
  network: string;
  /** A static address: this one and no other. */
  fixed: string | null;
  /** First and last address; null: no pool. */
  pool: { start: string; end: string } | null;
  /** Addresses in the pool that are in use otherwise: our own, routers, static hosts. */
  excluded: readonly string[];
}

/**
 * The client, as its lease records it. Texts come from the client: cut to the columns' lengths and otherwise unchanged.
 */
export interface LeaseClient {
  mac: string;
  node_uuid: string;
  port_uuid: string;
  arch: string | null;
  vendor_class: string | null;
  hostname: string | null;
}

export interface Offer {
  ip: string;
  /** The client did not have it before: it is unknown whether somebody uses it. */
  fresh: boolean;
}

/** Seconds until an offer that is not taken expires. */
const OFFER_SECONDS = 120;
/** Seconds for which an address found in use is avoided while another is free. */
const DECLINE_SECONDS = 900;
/** Most declined addresses of one MAC address at a time: a broken or forged client must not empty a pool. */
const MAX_DECLINES = 3;

/** Condition on a lease joined with its port: the machine that runs now uses the address. */
const SPEAKS = `lease.of_this_boot and lease.state = 'bound' and lease.expires_at > now()`;

const ALLOWED = `case when $2::inet is not null then ip = $2
  else ip between $3::inet and $4::inet and ip <> all ($5::inet[]) end`;
/** A static address stays its client's, whoever declined it. */
const ASKED_FOR = `(declined_at is null or $2::inet is not null)`;
const DESCRIBED = `node_uuid = $6, port_uuid = $7, arch = coalesce($8, arch),
  vendor_class = coalesce($9, vendor_class), hostname = coalesce($10, hostname), updated_at = now()`;

/** Every query on leases. Times are the database's. */
export class LeaseRepository {
  constructor(private readonly source: DataSource) {}

  /**
   * The address for a MAC that sends a DISCOVER: the one it has in this network, or a free one that is now offered to
   * it. Two clients never get the same address. No bound lease changes.
   * @param wanted given if it is free
   * @returns null when no address is free
   */
  async offer(
    client: LeaseClient,
    choice: AddressChoice,
    wanted: string | null = null,
  ): Promise<Offer | null> {
    const kept = await this.#touch(client, choice, this.source.manager);
    if (kept !== null) return { ip: kept, fresh: false };
    if (choice.fixed === null && choice.pool === null) return null;
    return this.#alone(async (on) => {
      const meanwhile = await this.#touch(client, choice, on);
      if (meanwhile !== null) return { ip: meanwhile, fresh: false };
      const ip = await freeOf(client.mac, choice, wanted, on);
      if (ip === null) return null;
      // An earlier offer that the client did not take.
      await on.query(`delete from lease where mac = $1 and ip << $2::inet and state = 'offered'`, [
        client.mac,
        choice.network,
      ]);
      await insert(client, ip, { state: 'offered', seconds: OFFER_SECONDS }, on);
      return { ip, fresh: true };
    });
  }

  /**
   * Binds an address to the client: one that it has or was offered, or a free one when it has no other in this network
   * (a lease that this database lost). Its earlier address in this network stays unused until that lease expires.
   * @param seconds duration of the lease
   * @returns false when the client cannot have it; nothing has changed then (RFC 2131 §4.3.2)
   */
  async claim(client: LeaseClient, ip: string, choice: AddressChoice, seconds: number): Promise<boolean> {
    if (await this.#take(client, ip, choice, seconds, this.source.manager)) return true;
    return this.#alone(async (on) => {
      if (await this.#take(client, ip, choice, seconds, on)) return true;
      const [row] = await on.query<{ free: boolean }[]>(
        `select ${ALLOWED} and not exists (select from lease l where expires_at > now() and (l.ip = asked.ip
             or (mac = $1 and l.ip << $7::inet and state = 'bound' and declined_at is null))) as free
         from (select $6::inet as ip) asked`,
        [...bounds(client.mac, choice), ip, choice.network],
      );
      if (!row?.free) return false;
      await insert(client, ip, { state: 'bound', seconds }, on);
      return true;
    });
  }

  /**
   * The client gave the address back. It stays the first choice for this MAC. The address of a boot under way is in
   * use, and is not released.
   * @returns false when nothing was released
   */
  async release(mac: string, ip: string): Promise<boolean> {
    const [, count] = await this.source.query<[unknown[], number]>(
      `update lease set state = 'released', expires_at = now(), updated_at = now()
       where mac = $1 and ip = $2 and state = 'bound' and not (of_this_boot and exists (
         select from node where uuid = lease.node_uuid and target_provision_state is not null))`,
      [mac, ip],
    );
    return count === 1;
  }

  /**
   * The client found another user of its address: it is offered another one when it asks again.
   * @returns false when the address is not the client's, or the client has declined too many
   */
  async decline(mac: string, ip: string): Promise<boolean> {
    const [, count] = await this.source.query<[unknown[], number]>(
      `update lease set declined_at = now(), declined_by = $1, updated_at = now(),
         state = case when state = 'bound' then state else 'declined' end,
         mac = case when state = 'bound' then mac end,
         node_uuid = case when state = 'bound' then node_uuid end,
         port_uuid = case when state = 'bound' then port_uuid end,
         expires_at = case when state = 'bound' then expires_at else now() + $3 * interval '1 second' end
       where mac = $1 and ip = $2 and state in ('offered', 'bound') and $4 > (
         select count(*) from lease where declined_by = $1 and declined_at > now() - $3 * interval '1 second')`,
      [mac, ip, DECLINE_SECONDS, MAX_DECLINES],
    );
    return count === 1;
  }

  /** An offered address answered a probe: it is avoided for a while. */
  async setAside(mac: string, ip: string): Promise<void> {
    await this.source.query(
      `update lease set state = 'declined', mac = null, node_uuid = null, port_uuid = null, declined_at = now(),
         expires_at = now() + $3 * interval '1 second', updated_at = now()
       where mac = $1 and ip = $2 and state = 'offered'`,
      [mac, ip, DECLINE_SECONDS],
    );
  }

  /** The node whose machine got this address since its last start, and still has it. */
  async speakerAt(ip: string): Promise<string | null> {
    const [row] = await this.source.query<{ node_uuid: string }[]>(
      `select port.node_uuid from lease join port on port.address = lease.mac where ip = $1 and ${SPEAKS}`,
      [ip],
    );
    return row?.node_uuid ?? null;
  }

  /** Whether the machine of this node has such an address. */
  async isSpoken(node_uuid: string): Promise<boolean> {
    const rows = await this.source.query<unknown[]>(
      `select from lease join port on port.address = lease.mac where port.node_uuid = $1 and ${SPEAKS} limit 1`,
      [node_uuid],
    );
    return rows.length > 0;
  }

  /** The node's machine is off or restarts: its addresses stay its own, but it is not known to use them. */
  async silence(node_uuid: string): Promise<void> {
    await this.source.query(
      `update lease set of_this_boot = false from port
       where port.node_uuid = $1 and lease.mac = port.address and of_this_boot`,
      [node_uuid],
    );
  }

  /** The address that this MAC has or last had; a bound one first. */
  async byMac(mac: string): Promise<Lease | null> {
    const [row] = await this.source.query<Lease[]>(
      `select *, host(ip) as ip from lease where mac = $1
       order by state = 'bound' and expires_at > now() desc, updated_at desc limit 1`,
      [mac],
    );
    return row ?? null;
  }

  /** One allocation at a time, over all daemons on this database; known clients do not need this lock. */
  #alone<T>(work: (on: Queryable) => Promise<T>): Promise<T> {
    return inTransaction(this.source, async (on) => {
      await on.query(`select pg_advisory_xact_lock(hashtext('lease'))`);
      return work(on);
    });
  }

  /** Keeps the address that the MAC has, if that is still allowed. */
  async #touch(client: LeaseClient, choice: AddressChoice, on: Queryable): Promise<string | null> {
    const [rows] = await on.query<[{ ip: string }[], number]>(
      `update lease set
         state = case when state = 'bound' and expires_at > now() then 'bound' else 'offered' end,
         expires_at = greatest(expires_at, now() + $11 * interval '1 second'), ${DESCRIBED}
       where ip = (select ip from lease where mac = $1 and ${ALLOWED} and ${ASKED_FOR}
         order by state = 'bound' and expires_at > now() desc, expires_at desc limit 1)
       and mac = $1 returning host(ip) as ip`,
      [...bounds(client.mac, choice), ...described(client), OFFER_SECONDS],
    );
    return rows[0]?.ip ?? null;
  }

  async #take(
    client: LeaseClient,
    ip: string,
    choice: AddressChoice,
    seconds: number,
    on: Queryable,
  ): Promise<boolean> {
    const rows = await on.query<unknown[]>(
      `with taken as (
         update lease set state = 'bound', expires_at = now() + $12 * interval '1 second', declined_at = null,
           declined_by = null, of_this_boot = true, ${DESCRIBED}
         where mac = $1 and ip = $11 and ${ALLOWED} returning ip),
       refused as (
         delete from lease where mac = $1 and ip <> $11 and ip << $13::inet and state = 'offered'
           and exists (select from taken)),
       left_behind as (
         update lease set updated_at = now(),
           state = case when declined_at is null then 'released' else 'declined' end,
           mac = case when declined_at is null then mac end,
           node_uuid = case when declined_at is null then node_uuid end,
           port_uuid = case when declined_at is null then port_uuid end,
           expires_at = case when declined_at is null then expires_at
             else declined_at + $14 * interval '1 second' end
         where mac = $1 and ip <> $11 and ip << $13::inet and state = 'bound' and exists (select from taken))
       select from taken`,
      [...bounds(client.mac, choice), ...described(client), ip, seconds, choice.network, DECLINE_SECONDS],
    );
    return rows.length > 0;
  }
}

/**
 * The address to offer to a client without one: unused addresses first, then expired leases, then declined ones, those
 * that the client itself declined last.
 */
async function freeOf(
  mac: string,
  choice: AddressChoice,
  wanted: string | null,
  on: Queryable,
): Promise<string | null> {
  if (choice.fixed !== null) return fixedOf(mac, choice.fixed, on);
  if (!choice.pool) return null;
  const { start, end } = choice.pool;
  const [row] = await on.query<{ ip: string }[]>(
    `select host($1::inet + n) as ip from generate_series(0, $2::inet - $1::inet) as n
     where $1::inet + n <> all ($3::inet[]) and not exists (select from lease where ip = $1::inet + n)
     order by $1::inet + n <> coalesce($4::inet, $1::inet), n limit 1`,
    [start, end, choice.excluded, wanted],
  );
  if (row) return row.ip;
  const [used] = await on.query<{ ip: string }[]>(
    `select host(ip) as ip from lease where ip between $1::inet and $2::inet and ip <> all ($3::inet[])
       and (expires_at <= now() or declined_at is not null and state <> 'bound')
     order by expires_at > now(), declined_at is not null, declined_by is not distinct from $4, expires_at limit 1`,
    [start, end, choice.excluded, mac],
  );
  return used?.ip ?? null;
}

/** A static address, unless another MAC still has it. */
async function fixedOf(mac: string, ip: string, on: Queryable): Promise<string | null> {
  const rows = await on.query<unknown[]>(
    `select from lease where ip = $1 and expires_at > now() and state <> 'declined' and mac <> $2`,
    [ip, mac],
  );
  return rows.length > 0 ? null : ip;
}

async function insert(
  client: LeaseClient,
  ip: string,
  as: { state: 'offered' | 'bound'; seconds: number },
  on: Queryable,
): Promise<void> {
  await on.query(
    `insert into lease (ip, mac, node_uuid, port_uuid, state, of_this_boot, expires_at, arch, vendor_class, hostname)
     values ($1, $2, $3, $4, $9::varchar, $9 = 'bound', now() + $8 * interval '1 second', $5, $6, $7)
     on conflict (ip) do update set mac = excluded.mac, node_uuid = excluded.node_uuid, port_uuid = excluded.port_uuid,
       state = excluded.state, of_this_boot = excluded.of_this_boot, expires_at = excluded.expires_at, arch = excluded.arch,
       vendor_class = excluded.vendor_class, hostname = excluded.hostname, declined_at = null, declined_by = null,
       created_at = now(), updated_at = now()`,
    [ip, client.mac, ...described(client), as.seconds, as.state],
  );
}

/** Parameters $1 to $5 of the statements above. */
function bounds(mac: string, { fixed, pool, excluded }: AddressChoice): unknown[] {
  return [mac, fixed, pool?.start ?? null, pool?.end ?? null, excluded];
}

function described(client: LeaseClient): (string | null)[] {
  return [client.node_uuid, client.port_uuid, client.arch, cut(client.vendor_class), cut(client.hostname)];
}

function cut(text: string | null): string | null {
  return text === null || text === '' ? null : text.replaceAll('\0', '').slice(0, 255);
}
