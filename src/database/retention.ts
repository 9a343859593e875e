import type { DataSource } from 'typeorm';

/** Rows that one statement deletes: it holds no lock for long, and leaves the disk to others in between. */
const BATCH = 1_000;
/** Nodes whose surplus one statement looks for. */
const NODES = 100;

export interface Retention {
  /** Of each node, the newest; 0: no limit. */
  readonly entries: number;
  /** 0: no limit. */
  readonly days: number;
}

/** A table of what happened to nodes: its ids grow with the time. Names come from code. */
export interface KeptTable {
  readonly table: string;
  /** Column of the time that counts; rows without are not over yet, and stay. */
  readonly at: string;
}

/**
 * Deletes what is older than it is kept, and of each node what is more.
 * @returns how many went
 */
export async function purge(
  source: DataSource,
  { table, at }: KeptTable,
  { entries, days }: Retention,
  signal: AbortSignal,
): Promise<number> {
  let gone = 0;
  const each = async (text: string, values: unknown[]) => {
    for (let count = BATCH; count === BATCH; gone += count) {
      signal.throwIfAborted();
      [, count] = await source.query<[unknown, number]>(text, values);
    }
  };
  if (days > 0) {
    await each(
      `delete from ${table} where id in (
         select id from (select id, ${at} from ${table} where ${at} is not null order by id limit ${BATCH}) oldest
          where ${at} < now() - make_interval(days => $1))`,
      [days],
    );
  }
  if (entries === 0) return gone;
  const over = await source.query<{ node_uuid: string }[]>(
    `select node_uuid from ${table} where ${at} is not null group by node_uuid having count(*) > $1`,
    [entries],
  );
  for (let start = 0; start < over.length; start += NODES) {
    const nodes = over.slice(start, start + NODES).map(({ node_uuid }) => node_uuid);
    await each(
      `delete from ${table} where id in (
         select surplus.id from unnest($1::uuid[]) as node(uuid) cross join lateral (
           select id from ${table} where node_uuid = node.uuid and ${at} is not null order by id desc offset $2) surplus
          limit ${BATCH})`,
      [nodes, entries],
    );
  }
  return gone;
}
