import type { DataSource } from 'typeorm';
import { inTransaction, type Queryable } from '../database/data-source.js';
import type { Lease } from './lease.entity.js';

/** Where an address may come from. */
export interface AddressChoice {
  /** This one and no other. */
  fixed: string | null;
  /** First and last address; null: no pool. */
  pool: { start: string; end: string } | null;
  /** Addresses inside of the pool that are somebody's already: our own, routers, static hosts. */
  excluded: readonly string[];
  /** Taken from the pool where it is free. */
  wanted: string | null;
}

/** Who asks, as the lease remembers it. Texts come from the client: cut to the columns and kept as they are. */
export interface LeaseClient {
  mac: string;
  node_uuid: string;
  port_uuid: string;
  arch: string | null;
  vendor_class: string | null;
  hostname: string | null;
}

/** An offer that nobody takes up is free again after this. */
const OFFER_SECONDS = 120;
/** So long an address is left alone that a client found in use. */
const DECLINE_SECONDS = 900;

/** Of a lease, beside its port: the address is in use by the machine that runs now. */
const SPEAKS = `lease.of_this_boot and lease.state = 'bound' and lease.expires_at > now()`;

const ALLOWED = `case when $2::inet is not null then ip = $2
  else ip between $3::inet and $4::inet and ip <> all ($5::inet[]) end`;

/** Every query on leases. Times are the database's. */
export class LeaseRepository {
  constructor(private readonly source: DataSource) {}

  /**
   * The address for a MAC: the one it had, or a free one that is set aside for it. Two callers never get the same.
   * @returns null when none is free
   */
  async allocate(client: LeaseClient, choice: AddressChoice): Promise<string | null> {
    const kept = await this.#touch(client, choice, this.source.manager);
    if (kept !== null) return kept;
    if (choice.fixed === null && choice.pool === null) return null;
    return inTransaction(this.source, async (on) => {
      // One allocation at a time, over all daemons on this database: known clients do not come here.
      await on.query(`select pg_advisory_xact_lock(hashtext('lease'))`);
      const meanwhile = await this.#touch(client, choice, on);
      if (meanwhile !== null) return meanwhile;
      const ip = choice.fixed === null ? await freeOf(choice, on) : await fixedOf(choice.fixed, on);
      if (ip === null) return null;
      await on.query(`delete from lease where mac = $1 or ip = $2`, [client.mac, ip]);
      await on.query(
        `insert into lease (ip, mac, node_uuid, port_uuid, state, expires_at, arch, vendor_class, hostname)
         values ($1, $2, $3, $4, 'offered', now() + $8 * interval '1 second', $5, $6, $7)`,
        [ip, client.mac, client.node_uuid, client.port_uuid, ...described(client), OFFER_SECONDS],
      );
      return ip;
    });
  }

  /** Keeps the address that the MAC has, where it may still have it. */
  async #touch(client: LeaseClient, choice: AddressChoice, on: Queryable): Promise<string | null> {
    const [rows] = await on.query<[{ ip: string }[], number]>(
      `update lease set
         state = case when state = 'bound' and expires_at > now() then 'bound' else 'offered' end,
         expires_at = greatest(expires_at, now() + $11 * interval '1 second'),
         node_uuid = $6, port_uuid = $7, arch = coalesce($8, arch),
         vendor_class = coalesce($9, vendor_class), hostname = coalesce($10, hostname), updated_at = now()
       where mac = $1 and ${ALLOWED} returning host(ip) as ip`,
      [
        client.mac,
        choice.fixed,
        choice.pool?.start ?? null,
        choice.pool?.end ?? null,
        choice.excluded,
        client.node_uuid,
        client.port_uuid,
        ...described(client),
        OFFER_SECONDS,
      ],
    );
    return rows[0]?.ip ?? null;
  }

  /**
   * The client took the address. @param seconds how long it lasts
   * @returns false when it was not set aside for this MAC: the client must not be told that it has it
   */
  async bind(mac: string, ip: string, seconds: number): Promise<boolean> {
    const [, count] = await this.source.query<[unknown[], number]>(
      `update lease set state = 'bound', expires_at = now() + $3 * interval '1 second', of_this_boot = true,
         updated_at = now() where mac = $1 and ip = $2`,
      [mac, ip, seconds],
    );
    return count === 1;
  }

  /** The client gave the address back. It stays the first choice for this MAC. */
  async release(mac: string, ip: string): Promise<void> {
    await this.source.query(
      `update lease set state = 'released', expires_at = now(), updated_at = now() where mac = $1 and ip = $2`,
      [mac, ip],
    );
  }

  /** The client found somebody else using the address. */
  async decline(mac: string, ip: string): Promise<void> {
    await this.source.query(
      `update lease set state = 'declined', mac = null, node_uuid = null, port_uuid = null,
         expires_at = now() + $3 * interval '1 second', updated_at = now() where mac = $1 and ip = $2`,
      [mac, ip, DECLINE_SECONDS],
    );
  }

  /** The node whose machine was given this address since it was last started, and has it still. */
  async speakerAt(ip: string): Promise<string | null> {
    const [row] = await this.source.query<{ node_uuid: string }[]>(
      `select port.node_uuid from lease join port on port.address = lease.mac where ip = $1 and ${SPEAKS}`,
      [ip],
    );
    return row?.node_uuid ?? null;
  }

  /** Whether there is such an address of this node's machine. */
  async isSpoken(node_uuid: string): Promise<boolean> {
    const rows = await this.source.query<unknown[]>(
      `select from lease join port on port.address = lease.mac where port.node_uuid = $1 and ${SPEAKS} limit 1`,
      [node_uuid],
    );
    return rows.length > 0;
  }

  /** The node's machine is off or starts anew: its addresses stay its own, and are not known to be used by it. */
  async silence(node_uuid: string): Promise<void> {
    await this.source.query(
      `update lease set of_this_boot = false from port
       where port.node_uuid = $1 and lease.mac = port.address and of_this_boot`,
      [node_uuid],
    );
  }

  /** The address that this MAC has or last had. */
  async byMac(mac: string): Promise<Lease | null> {
    const [row] = await this.source.query<Lease[]>(`select *, host(ip) as ip from lease where mac = $1`, [
      mac,
    ]);
    return row ?? null;
  }
}

async function freeOf(choice: AddressChoice, on: Queryable): Promise<string | null> {
  if (!choice.pool) return null;
  const { start, end } = choice.pool;
  const [row] = await on.query<{ ip: string }[]>(
    `select host($1::inet + n) as ip from generate_series(0, $2::inet - $1::inet) as n
     where $1::inet + n <> all ($3::inet[]) and not exists (select from lease where ip = $1::inet + n)
     order by $1::inet + n <> coalesce($4::inet, $1::inet), n limit 1`,
    [start, end, choice.excluded, choice.wanted],
  );
  if (row) return row.ip;
  const [oldest] = await on.query<{ ip: string }[]>(
    `select host(ip) as ip from lease where ip between $1::inet and $2::inet and ip <> all ($3::inet[])
       and expires_at <= now() order by expires_at limit 1`,
    [start, end, choice.excluded],
  );
  return oldest?.ip ?? null;
}

/** A static address, unless another MAC holds it still or it was found in use. */
async function fixedOf(ip: string, on: Queryable): Promise<string | null> {
  const rows = await on.query<unknown[]>(`select from lease where ip = $1 and expires_at > now()`, [ip]);
  return rows.length > 0 ? null : ip;
}

function described(client: LeaseClient): (string | null)[] {
  return [client.arch, cut(client.vendor_class), cut(client.hostname)];
}

function cut(text: string | null): string | null {
  return text === null || text === '' ? null : text.replaceAll('\0', '').slice(0, 255);
}
