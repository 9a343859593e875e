import type { DataSource } from 'typeorm';

/** Most rows that one statement deletes, so that no lock is held for long and others can use the disk in between. */
const BATCH = 1_000;
/** Most nodes whose surplus one statement deletes. */
const NODES = 100;

export interface Retention {
  /** Rows to keep for each node, the newest; 0: no limit. */
  readonly entries: number;
  /** Days to keep a row; 0: no limit. */
  readonly days: number;
  /** Rows to keep of those that belong to no node, the newest; 0 or absent: no limit. */
  readonly nodeless?: number;
}

/** A table of events or work of nodes, with ascending ids. Names come from code. */
export interface KeptTable {
  readonly table: string;
  /** Column of the time that counts; rows with null are not finished, and stay. */
  readonly at: string;
}

/**
 * Deletes rows that are too old, and those beyond the limits: of each node, and of what belongs to none.
 * @returns the number of deleted rows
 */
export async function purge(
  source: DataSource,
  { table, at }: KeptTable,
  { entries, days, nodeless = 0 }: Retention,
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
  if (nodeless > 0) {
    await each(
      `delete from ${table} where id in (
         select id from ${table} where node_uuid is null and ${at} is not null order by id desc offset $1 limit ${BATCH})`,
      [nodeless],
    );
  }
  if (entries === 0) return gone;
  const over = await source.query<{ node_uuid: string }[]>(
    `select node_uuid from ${table} where node_uuid is not null and ${at} is not null group by node_uuid having count(*) > $1`,
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
