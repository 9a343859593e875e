import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import type { Compound } from '../../database/compound.js';
import { afterCommit, type Queryable } from '../../database/data-source.js';
import { purge, type Retention } from '../../database/retention.js';
import { insertStatement } from '../../database/statement.js';
import type { Actor } from '../../domain/actor.js';
import { CHANGE } from '../../domain/change.js';
import { NotFoundError } from '../../domain/errors.js';
import { keptText } from '../../domain/kept-text.js';
import type { Event } from './event.entity.js';
import { EventHint } from './event-hint.js';

type Given = 'node_uuid' | 'event_type' | 'event' | 'kind';
type ActorColumn = 'user_name' | 'project' | 'request_id' | 'via' | 'source';
/** An event to write; every event has an actor. */
export type NewEvent = Pick<Event, Given> & { readonly actor: Actor } & Partial<
    Omit<Event, Given | ActorColumn | 'id' | 'uuid' | 'created_at' | 'written_by' | 'horizon'>
  >;

/** Columns that are written; the database fills in the others. */
const COLUMNS = {
  uuid: 'uuid',
  severity: 'varchar',
  node_uuid: 'uuid',
  event_type: 'varchar',
  kind: 'varchar',
  resource: 'varchar',
  event: 'text',
  from_state: 'varchar',
  state: 'varchar',
  target_provision_state: 'varchar',
  conductor: 'varchar',
  user_name: 'varchar',
  project: 'varchar',
  via: 'varchar',
  source: 'varchar',
  request_id: 'varchar',
  duration_seconds: 'double precision',
  detail: 'jsonb',
} as const satisfies Partial<Record<keyof Event, string>>;
const NAMES = Object.keys(COLUMNS);
const RECORD = Object.entries(COLUMNS)
  .map(([column, type]) => `${column} ${type}`)
  .join(', ');

/** The place of an event in the order in which events are read: by transaction, then by id. */
type Place = Pick<Event, 'written_by' | 'id'>;

export class EventRepository {
  readonly #hint: EventHint;

  constructor(private readonly source: DataSource) {
    this.#hint = new EventHint(source);
  }

  /** Pass the transaction of the change: listeners are notified after its commit, and only then. */
  async add(event: NewEvent, on: Queryable): Promise<Event> {
    const [row] = await on.query<Event[]>(...insertStatement('event', rowOf(event)));
    afterCommit(on, this.#hint.give);
    return row!;
  }

  /**
   * Adds the part `told` to a compound: the events are written in this order where the part `held` has its row.
   * Listeners are notified as with `add`.
   */
  addTold(compound: Compound, events: readonly NewEvent[]): void {
    const rows = events.map(rowOf);
    const given = compound.parameters.add(JSON.stringify(rows));
    compound.add(
      'told',
      `insert into event (${NAMES.join(', ')})
       select ${NAMES.map((column) => `row.${column}`).join(', ')}
         from held, rows from (jsonb_to_recordset(${given}::jsonb) as (${RECORD})) with ordinality as row
        order by row.ordinality`,
    );
    compound.afterCommit(this.#hint.give);
  }

  /**
   * In pages, every event that may have committed after the event of that id, and perhaps some earlier ones: ids are
   * not in the order of commits. An id without an event stands for the event before it.
   */
  async *since(after: string, size: number): AsyncGenerator<Event[]> {
    const [row] = await this.source.query<Pick<Event, 'id' | 'written_by' | 'horizon'>[]>(
      `select id, written_by, horizon from event where id <= $1 order by id desc limit 1`,
      [after],
    );
    if (!row) yield* this.#beyond({ written_by: '0', id: '0' }, [], size);
    // Written before positions were recorded, or by another server.
    else if (row.written_by === '0') yield* this.#beyond({ written_by: '0', id: row.id }, [], size);
    else yield* this.#beyond({ written_by: row.horizon, id: '0' }, [], size);
  }

  /**
   * In pages, every committed event of transactions from `horizon` on.
   * @param except ids of events to leave out
   * @returns the horizon from which to go on: no event of an earlier transaction commits any more
   */
  beyond(horizon: string, except: readonly string[], size: number): AsyncGenerator<Event[], string> {
    return this.#beyond({ written_by: horizon, id: '0' }, except, size);
  }

  /**
   * Whoever received a part of this, and resumes after the last event received, misses nothing: an event that commits
   * while this reads is never passed over by a later one. Few events are therefore read by one statement, which sees
   * one state of the database. Of many, those of ended transactions come in pages, since none is added to them, and the
   * few others by one statement.
   */
  async *#beyond(from: Place, except: readonly string[], size: number): AsyncGenerator<Event[], string> {
    const horizon = await this.horizon();
    const few = await this.#page(from, except, size + 1, null);
    if (few.length <= size) {
      if (few.length > 0) yield few.toSorted(byId);
      return horizon;
    }
    for (let last = from; ; ) {
      const page = await this.#page(last, except, size, horizon);
      if (page.length > 0) yield page.toSorted(byId);
      if (page.length < size) break;
      last = page.at(-1)!;
    }
    const under = BigInt(horizon) > BigInt(from.written_by) ? { written_by: horizon, id: '0' } : from;
    yield (await this.#page(under, except, null, null)).toSorted(byId);
    return horizon;
  }

  /** @param before only events of transactions before this one; null: all */
  #page(
    after: Place,
    except: readonly string[],
    limit: number | null,
    before: string | null,
  ): Promise<Event[]> {
    return this.source.query<Event[]>(
      `select * from event
        where (written_by, id) > ($1, $2) and written_by < coalesce($3::bigint, 9223372036854775807)
          and id <> all ($4::bigint[])
        order by written_by, id limit $5`,
      [after.written_by, after.id, before, except, limit],
    );
  }

  /** The oldest transaction under way: events that commit from now on belong to it or to a later one. */
  async horizon(): Promise<string> {
    const [row] = await this.source.query<{ horizon: string }[]>(
      `select pg_snapshot_xmin(pg_current_snapshot())::text as horizon`,
    );
    return row!.horizon;
  }

  /** The committed events of transactions from `horizon` on. */
  async placesFrom(horizon: string): Promise<Place[]> {
    return this.source.query<Place[]>(`select written_by, id from event where written_by >= $1`, [horizon]);
  }

  /** Events with a transaction number ahead of this server's, from a restored backup, are placed before all others. */
  async placeRestored(): Promise<void> {
    await this.source.query(
      `update event set written_by = 0, horizon = 0
        where written_by > pg_snapshot_xmax(pg_current_snapshot())::text::bigint`,
    );
  }

  async find(uuid: string): Promise<Event | null> {
    const [row] = await this.source.query<Event[]>(`select * from event where uuid = $1`, [uuid]);
    return row ?? null;
  }

  /**
   * A page of a node's history since its creation, as Ironic defines it: without plain changes, by ascending or
   * descending id.
   * @throws NotFoundError for a marker that is not an event of the node
   */
  async history(
    { uuid: node_uuid, created_at }: { uuid: string; created_at: Date },
    page: { limit: number; marker?: string; sort_dir?: 'asc' | 'desc' },
  ): Promise<Event[]> {
    const direction = page.sort_dir === 'desc' ? 'desc' : 'asc';
    const marker = page.marker === undefined ? null : await this.find(page.marker);
    if (page.marker !== undefined && marker?.node_uuid !== node_uuid) {
      throw new NotFoundError(`Node history record ${page.marker} could not be found.`);
    }
    const than = direction === 'asc' ? '>' : '<';
    return this.source.query<Event[]>(
      `select * from event where node_uuid = $1 and created_at >= $4 and event_type <> '${CHANGE}' and ($2::bigint is null or id ${than} $2)
        order by id ${direction} limit $3`,
      [node_uuid, marker?.id ?? null, page.limit, created_at],
    );
  }

  async ofNode(node_uuid: string, limit: number): Promise<Event[]> {
    return this.source.query<Event[]>(`select * from event where node_uuid = $1 order by id desc limit $2`, [
      node_uuid,
      limit,
    ]);
  }

  /**
   * Deletes the history with its node, whose UUID may be used again. Changes stay: who changed the node, and who
   * deleted it.
   */
  async deleteOfNode(node_uuid: string, on: Queryable): Promise<void> {
    await on.query(`delete from event where node_uuid = $1 and event_type <> '${CHANGE}'`, [node_uuid]);
  }

  /** @returns the number of deleted rows */
  purge(keep: Retention, signal: AbortSignal): Promise<number> {
    return purge(this.source, { table: 'event', at: 'created_at' }, keep, signal);
  }
}

function rowOf({ actor, ...event }: NewEvent) {
  const { user, project, request_id, via, source } = actor;
  const by = { user_name: user, project, request_id, via, source };
  return { uuid: randomUUID(), severity: 'INFO', ...event, event: keptText(event.event), ...by };
}

/** Events of one node are written under its lock: by id, they are in the order of their commits. */
function byId(one: Event, other: Event): number {
  return BigInt(one.id) < BigInt(other.id) ? -1 : 1;
}
