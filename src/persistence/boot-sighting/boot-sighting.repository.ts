import type { DataSource } from 'typeorm';
import type { Sighting } from '../../domain/network/sighting.js';

/** Sightings of one node, kind and name. */
export interface SightingSum extends Sighting {
  readonly count: number;
  /** ms since the first and the last one. */
  readonly first_age: number;
  readonly last_age: number;
}

/** What was seen of machines while they booted. */
export class BootSightingRepository {
  constructor(private readonly source: Pick<DataSource, 'query'>) {}

  /** Adds sightings to those of the node's open workflow. A node without one is no error: nothing is recorded. */
  async add(sums: readonly SightingSum[]): Promise<void> {
    await this.source.query(
      `insert into boot_sighting (operation_id, kind, name, source, first_at, last_at, count, bytes)
       select o.id, s.kind, s.name, s.source, greatest(o.created_at, now() - make_interval(secs => s.first_age / 1000)),
              greatest(o.created_at, now() - make_interval(secs => s.last_age / 1000)), s.count, s.bytes
         from jsonb_to_recordset($1::jsonb) as s (node_uuid uuid, kind varchar, name text, source varchar,
              first_age float8, last_age float8, count int, bytes bigint)
         join operation o on o.node_uuid = s.node_uuid and o.finished_at is null and o.kind not in ('power', 'action')
        order by o.id, s.kind, s.name
       on conflict (operation_id, kind, name) do update
          set source = excluded.source, last_at = excluded.last_at, count = boot_sighting.count + excluded.count,
              bytes = boot_sighting.bytes + excluded.bytes`,
      [JSON.stringify(sums)],
    );
  }
}
