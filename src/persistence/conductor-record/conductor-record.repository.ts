import type { DataSource } from 'typeorm';
import type { ConductorRecord } from './conductor-record.entity.js';

/** `alive` is decided by the database's clock. */
export type ConductorStatus = ConductorRecord & { alive: boolean };

/** Another host name that nodes or operations belong to. */
export interface OtherConductor {
  hostname: string;
  online: boolean;
  /** Seconds since its last heartbeat; Infinity without a row. */
  silent: number;
  dead: boolean;
  nodes: number;
}

export class ConductorRecordRepository {
  constructor(private readonly source: DataSource) {}

  /** Takes over the row of this host name: an older process of that name notices that it was replaced. */
  async register(
    row: Pick<ConductorRecord, 'hostname' | 'conductor_group' | 'drivers' | 'instance'>,
  ): Promise<void> {
    await this.source.query(
      `insert into conductor (hostname, conductor_group, drivers, instance) values ($1, $2, $3::jsonb, $4)
       on conflict (hostname) do update set conductor_group = excluded.conductor_group, drivers = excluded.drivers,
         instance = excluded.instance, online = true, updated_at = now()`,
      [row.hostname, row.conductor_group, JSON.stringify(row.drivers), row.instance],
    );
  }

  /** @returns false when another process has taken the host name */
  async touch(hostname: string, instance: string): Promise<boolean> {
    const [, count] = await this.source.query<[unknown, number]>(
      `update conductor set updated_at = now(), online = true where hostname = $1 and instance = $2`,
      [hostname, instance],
    );
    return count === 1;
  }

  /** Rewrites a row unchanged, to prove that the database accepts writes. */
  async proveWrite(): Promise<void> {
    await this.source.query(
      `update conductor set updated_at = updated_at where id = (select max(id) from conductor)`,
    );
  }

  async markOffline(hostname: string, instance: string): Promise<void> {
    await this.source.query(`update conductor set online = false where hostname = $1 and instance = $2`, [
      hostname,
      instance,
    ]);
  }

  /** @param timeout seconds without a heartbeat after which a conductor is not alive */
  async list(timeout: number): Promise<ConductorStatus[]> {
    return this.source.query<ConductorStatus[]>(
      `select *, online and updated_at > now() - make_interval(secs => $1) as alive from conductor order by id`,
      [timeout],
    );
  }

  /**
   * Other host names that nodes or open operations belong to, with the time since their last heartbeat. A name without
   * a row never ran on this database: a restored backup may contain such names.
   */
  async others(hostname: string, timeout: number): Promise<OtherConductor[]> {
    return this.source.query<OtherConductor[]>(
      `select holder as hostname, coalesce(online, false) as online,
              coalesce(extract(epoch from now() - conductor.updated_at), 'infinity')::float8 as silent,
              coalesce(conductor.updated_at < now() - make_interval(secs => $2), true) as dead,
              (select count(*)::int from node where conductor_affinity = holder) as nodes
         from (select distinct conductor_affinity as holder from node
               union select distinct conductor from operation where finished_at is null) as named
         left join conductor on conductor.hostname = holder
        where holder <> $1`,
      [hostname, timeout],
    );
  }

  /**
   * Moves everything that a dead conductor holds to another one, in one statement. Its reservations end, and the epoch
   * is raised, so that it cannot write under them if it wakes.
   * @param drivers that the other conductor can serve
   * @param timeout seconds; checked again here, since the conductor may have come back
   */
  async takeOver(
    from: string,
    to: string,
    drivers: readonly string[],
    timeout: number,
  ): Promise<{ nodes: number; operations: number }> {
    const [row] = await this.source.query<{ nodes: number; operations: number }[]>(
      `with dead as (
         select 1 where not exists (select 1 from conductor where hostname = $1
           and updated_at >= now() - make_interval(secs => $4))
       ), taken as (
         update node set conductor_affinity = $2,
                reservation = case when reservation = $1 then null else reservation end,
                reservation_expires_at = case when reservation = $1 then null else reservation_expires_at end,
                reservation_epoch = reservation_epoch + case when reservation = $1 then 1 else 0 end
           from dead where conductor_affinity = $1 and driver = any($3) returning node.uuid
       ), working as (
         update operation set conductor = $2 from dead
          where conductor = $1 and finished_at is null
            and (node_uuid in (select uuid from taken)
              or node_uuid in (select uuid from node where conductor_affinity = $2)) returning operation.id
       )
       select (select count(*) from taken)::int as nodes, (select count(*) from working)::int as operations`,
      [from, to, drivers, timeout],
    );
    return row!;
  }

  async find(hostname: string, timeout: number): Promise<ConductorStatus | null> {
    return (await this.list(timeout)).find((row) => row.hostname === hostname) ?? null;
  }
}
