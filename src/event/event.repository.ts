import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import type { Compound } from '../database/compound.js';
import type { Queryable } from '../database/data-source.js';
import { insertStatement } from '../database/statement.js';
import { NotFoundError } from '../domain/errors.js';
import type { Event } from './event.entity.js';

export const EVENT_CHANNEL = 'ferric_event';

export type NewEvent = Pick<Event, 'node_uuid' | 'event_type' | 'event'> &
  Partial<Omit<Event, 'id' | 'uuid' | 'created_at'>>;

/** What is written of an event; the rest the database fills in. */
const COLUMNS = {
  uuid: 'uuid',
  severity: 'varchar',
  node_uuid: 'uuid',
  event_type: 'varchar',
  event: 'text',
  from_state: 'varchar',
  state: 'varchar',
  target_provision_state: 'varchar',
  conductor: 'varchar',
  user_name: 'varchar',
  project: 'varchar',
  request_id: 'varchar',
  duration_seconds: 'double precision',
  detail: 'jsonb',
} as const satisfies Partial<Record<keyof Event, string>>;
const NAMES = Object.keys(COLUMNS);
const RECORD = Object.entries(COLUMNS)
  .map(([column, type]) => `${column} ${type}`)
  .join(', ');

export class EventRepository {
  constructor(private readonly source: DataSource) {}

  /** Pass the transaction that makes it true: listeners hear of it when that commits, and only then. */
  async add(event: NewEvent, on: Queryable): Promise<Event> {
    const [insert, values] = insertStatement('event', { uuid: randomUUID(), severity: 'INFO', ...event });
    const [row] = await on.query<(Event & { told?: unknown })[]>(
      `${insert}, pg_notify('${EVENT_CHANNEL}', id::text) as told`,
      values,
    );
    delete row!.told;
    return row!;
  }

  /**
   * The part `told` of a compound: written, in this order, where the part `held` has its row. Listeners hear of them as
   * by `add`.
   */
  addTold(compound: Compound, events: readonly NewEvent[]): void {
    const rows = events.map((event) => ({ uuid: randomUUID(), severity: 'INFO', ...event }));
    const given = compound.parameters.add(JSON.stringify(rows));
    compound.add(
      'told',
      `insert into event (${NAMES.join(', ')})
       select ${NAMES.map((column) => `row.${column}`).join(', ')}
         from held, rows from (jsonb_to_recordset(${given}::jsonb) as (${RECORD})) with ordinality as row
        order by row.ordinality
       returning pg_notify('${EVENT_CHANNEL}', id::text)`,
    );
  }

  /** Newest last. @param after events with a greater id only */
  async since(after: string, limit: number): Promise<Event[]> {
    return this.source.query<Event[]>(`select * from event where id > $1 order by id limit $2`, [
      after,
      limit,
    ]);
  }

  async lastId(): Promise<string> {
    const [row] = await this.source.query<{ id: string }[]>(
      `select coalesce(max(id), 0)::text as id from event`,
    );
    return row!.id;
  }

  /** In any order; ids that are gone are left out. */
  async byIds(ids: readonly string[]): Promise<Event[]> {
    return this.source.query<Event[]>(`select * from event where id = any($1::bigint[])`, [ids]);
  }

  async find(uuid: string): Promise<Event | null> {
    const [row] = await this.source.query<Event[]>(`select * from event where uuid = $1`, [uuid]);
    return row ?? null;
  }

  /**
   * A page of a node's history, in the order in which things happened or the other way round.
   * @throws NotFoundError for a marker that is none of the node's events
   */
  async history(
    node_uuid: string,
    page: { limit: number; marker?: string; sort_dir?: 'asc' | 'desc' },
  ): Promise<Event[]> {
    const direction = page.sort_dir === 'desc' ? 'desc' : 'asc';
    const marker = page.marker === undefined ? null : await this.find(page.marker);
    if (page.marker !== undefined && marker?.node_uuid !== node_uuid) {
      throw new NotFoundError(`Node history record ${page.marker} could not be found.`);
    }
    const than = direction === 'asc' ? '>' : '<';
    return this.source.query<Event[]>(
      `select * from event where node_uuid = $1 and ($2::bigint is null or id ${than} $2)
        order by id ${direction} limit $3`,
      [node_uuid, marker?.id ?? null, page.limit],
    );
  }

  async ofNode(node_uuid: string, limit: number): Promise<Event[]> {
    return this.source.query<Event[]>(`select * from event where node_uuid = $1 order by id desc limit $2`, [
      node_uuid,
      limit,
    ]);
  }

  /** Keeps the newest `keep` events of each node. @returns how many went */
  async purge(keep: number): Promise<number> {
    const [, count] = await this.source.query<[unknown, number]>(
      `delete from event using (
         select id, row_number() over (partition by node_uuid order by id desc) as age from event
       ) ranked where event.id = ranked.id and ranked.age > $1`,
      [keep],
    );
    return count;
  }
}
