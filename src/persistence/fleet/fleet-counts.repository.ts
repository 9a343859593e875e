import type { DataSource } from 'typeorm';

/** Numbers of rows by group, and ages of the oldest. */
export interface FleetCounts {
  nodes: { provision_state: string; maintenance: boolean; count: number }[];
  power: { power_state: string; count: number }[];
  faults: { fault: string; count: number }[];
  /** Open operations; `age` of the oldest in seconds. */
  operations: { kind: string; state: string; count: number; age: number }[];
  /** Leases that have not expired. */
  leases: { state: string; count: number }[];
  /** `heartbeat` in seconds since the epoch. */
  conductors: { hostname: string; heartbeat: number }[];
}

/** Counts of the whole database, in one statement. */
export class FleetCountsRepository {
  constructor(private readonly source: Pick<DataSource, 'query'>) {}

  async counts(): Promise<FleetCounts> {
    const groups = [
      `'nodes', ${grouped(`select provision_state, maintenance, count(*)::int from node group by 1, 2`)}`,
      `'power', ${grouped(`select coalesce(power_state, 'none') as power_state, count(*)::int from node group by 1`)}`,
      `'faults', ${grouped(`select fault, count(*)::int from node where fault is not null group by 1`)}`,
      `'operations', ${grouped(`select kind, state, count(*)::int,
        extract(epoch from now() - min(created_at))::float8 as age from operation where finished_at is null group by 1, 2`)}`,
      `'leases', ${grouped(`select state, count(*)::int from lease where expires_at > now() group by 1`)}`,
      `'conductors', ${grouped(`select hostname, extract(epoch from updated_at)::float8 as heartbeat from conductor`)}`,
    ];
    const [row] = await this.source.query<{ counts: FleetCounts }[]>(
      `select jsonb_build_object(${groups.join(', ')}) as counts`,
    );
    return row!.counts;
  }
}

function grouped(query: string): string {
  return `(select coalesce(jsonb_agg(to_jsonb(of)), '[]') from (${query}) of)`;
}
