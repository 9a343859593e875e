import type { DataSource } from 'typeorm';
import type { ConductorRecord } from './conductor-record.entity.js';

/** `alive` is judged on the database's clock. */
export type ConductorStatus = ConductorRecord & { alive: boolean };

export class ConductorRecordRepository {
  constructor(private readonly source: DataSource) {}

  /** Takes over the row of this host name: an older process of the same name sees that it was replaced. */
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

  async markOffline(hostname: string, instance: string): Promise<void> {
    await this.source.query(`update conductor set online = false where hostname = $1 and instance = $2`, [
      hostname,
      instance,
    ]);
  }

  /** @param timeout seconds of silence after which a conductor is not alive */
  async list(timeout: number): Promise<ConductorStatus[]> {
    return this.source.query<ConductorStatus[]>(
      `select *, online and updated_at > now() - make_interval(secs => $1) as alive from conductor order by id`,
      [timeout],
    );
  }

  async find(hostname: string, timeout: number): Promise<ConductorStatus | null> {
    return (await this.list(timeout)).find((row) => row.hostname === hostname) ?? null;
  }
}
