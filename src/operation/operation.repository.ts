import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import type { Queryable } from '../database/data-source.js';
import { insertStatement } from '../database/statement.js';
import type { Journal, Result } from '../domain/step/advance.js';
import { type Json, type JsonObject, newStep, type PlannedStep, type Step } from '../domain/step/step.js';
import type { Operation, OperationStep } from './operation.entity.js';

export type OperationKind =
  | 'verify'
  | 'deploy'
  | 'clean'
  | 'teardown'
  | 'inspect'
  | 'adopt'
  | 'rescue'
  | 'unrescue'
  | 'service'
  | 'power'
  | 'action';

/** An operation with its journal, as the runner works on it. */
export interface JournaledOperation {
  id: string;
  uuid: string;
  node_uuid: string;
  kind: OperationKind;
  args: JsonObject;
  request_id: string | null;
  journal: Journal;
}

/** What an open operation waits for, times in ms from now by the database's clock. */
export interface OpenOperation {
  id: string;
  node_uuid: string;
  kind: OperationKind;
  state: Journal['state'];
  wait_for: 'heartbeat' | 'poll' | null;
  poll_in: number | null;
  deadline_in: number | null;
  abort_requested: boolean;
}

const OPEN_COLUMNS = `id, node_uuid, kind, state, wait_for, abort_requested,
  extract(epoch from poll_at - now())::float8 * 1000 as poll_in,
  extract(epoch from deadline - now())::float8 * 1000 as deadline_in`;

/** The journal: every query on operations and their steps. */
export class OperationRepository {
  constructor(private readonly source: DataSource) {}

  /** @throws the database's unique violation when the node has open work of that sort */
  async create(
    operation: {
      node_uuid: string;
      kind: OperationKind;
      steps: readonly PlannedStep[];
      args?: JsonObject;
      request_id: string | null;
      conductor: string;
    },
    on: Queryable,
  ): Promise<{ id: string; uuid: string }> {
    const { steps, ...row } = operation;
    const [created] = await on.query<Operation[]>(
      ...insertStatement('operation', { ...row, uuid: randomUUID(), state: 'running' }),
    );
    await this.#writeSteps(created!.id, steps.map(newStep), on);
    return { id: created!.id, uuid: created!.uuid };
  }

  async load(id: string, on: Queryable = this.source.manager): Promise<JournaledOperation | null> {
    const [row] = await on.query<(Operation & { steps: OperationStep[] })[]>(
      `select *, (select coalesce(jsonb_agg(to_jsonb(step) order by position), '[]') from operation_step step
                   where operation_id = operation.id) as steps
         from operation where id = $1`,
      [id],
    );
    if (!row) return null;
    const { steps } = row;
    const state = row.state as Journal['state'];
    const result = (row.args['_result'] as Result | undefined) ?? null;
    const { _result, ...args } = row.args;
    return {
      id: row.id,
      uuid: row.uuid,
      node_uuid: row.node_uuid,
      kind: row.kind as OperationKind,
      args,
      request_id: row.request_id,
      journal: { state, cursor: row.cursor, steps, abort_requested: row.abort_requested, result },
    };
  }

  /**
   * Commits a journal. Times are given as durations and become times on the database's clock.
   * Steps that did not change are not written. A deadline stays while its step does, unless `timeout` sets a new one.
   * @returns ms to the deadline, null for none
   */
  async commit(
    operation: JournaledOperation,
    after: Journal,
    wait: { for: 'heartbeat' | 'poll'; pollAfter: number | null; timeout: number | null } | null,
    on: Queryable,
  ): Promise<number | null> {
    const before = operation.journal.steps;
    const planned = after.steps.length !== before.length;
    const changed = after.steps.flatMap(({ state, checkpoint, attempt }, position) =>
      planned || after.steps[position] === before[position] ? [] : [{ position, state, checkpoint, attempt }],
    );
    const rows = await on.query<{ deadline_in: number | null }[]>(
      `with own as (
         update operation set state = $2::varchar, cursor = $3::int, abort_requested = $4, error = $5, wait_for = $6::varchar,
                poll_at = now() + make_interval(secs => $7::float8 / 1000),
                deadline = case when $8::float8 is not null then now() + make_interval(secs => $8::float8 / 1000)
                  when cursor <> $3::int then null else deadline end,
                args = case when $9::jsonb is null then args else args || jsonb_build_object('_result', $9::jsonb) end,
                updated_at = now(), finished_at = case when $2::varchar = 'finished' then now() end
          where id = $1 returning deadline
       ), steps as (
         update operation_step step set state = changed.state, checkpoint = changed.checkpoint, attempt = changed.attempt,
                started_at = coalesce(started_at, now()),
                finished_at = case when changed.state in ('done', 'failed') then now() end
           from jsonb_to_recordset($10::jsonb)
             as changed (position int, state varchar, checkpoint jsonb, attempt int)
          where step.operation_id = $1 and step.position = changed.position
       )
       select extract(epoch from deadline - now())::float8 * 1000 as deadline_in from own`,
      [
        operation.id,
        after.state,
        after.cursor,
        after.abort_requested,
        after.result?.message ?? null,
        wait?.for ?? null,
        wait?.pollAfter ?? null,
        wait?.timeout ?? null,
        after.result ? JSON.stringify(after.result) : null,
        JSON.stringify(changed),
      ],
    );
    if (planned) {
      await on.query(`delete from operation_step where operation_id = $1`, [operation.id]);
      await this.#writeSteps(operation.id, after.steps, on);
    }
    return rows[0]?.deadline_in ?? null;
  }

  async saveCheckpoint(
    id: string,
    position: number,
    checkpoint: unknown,
    on: Queryable = this.source.manager,
  ): Promise<void> {
    await on.query(
      `update operation_step set checkpoint = $3::jsonb where operation_id = $1 and position = $2`,
      [id, position, JSON.stringify(checkpoint)],
    );
  }

  /** Kept in the journal first, so that an accepted abort outlives a crash. */
  async requestAbort(id: string, on: Queryable): Promise<void> {
    await on.query(`update operation set abort_requested = true where id = $1`, [id]);
  }

  /** Turns a hold into a wait that is over; `checkpoint` tells the step that it was let go. */
  async release(id: string, checkpoint: Json, on: Queryable): Promise<void> {
    await on.query(
      `update operation_step s set checkpoint = $2::jsonb from operation o
        where o.id = $1 and s.operation_id = o.id and s.position = o.cursor`,
      [id, JSON.stringify(checkpoint)],
    );
    await on.query(
      `update operation set state = 'waiting', wait_for = 'poll', poll_at = now(), updated_at = now() where id = $1`,
      [id],
    );
  }

  /** Ends an operation that another one takes the place of, e.g. a tear-down during a deployment. */
  async supersede(id: string, message: string, on: Queryable): Promise<void> {
    await on.query(`update operation set state = 'finished', error = $2, finished_at = now() where id = $1`, [
      id,
      message,
    ]);
  }

  /** Open work of one conductor, oldest first. */
  async open(conductor: string): Promise<OpenOperation[]> {
    return this.source.query<OpenOperation[]>(
      `select ${OPEN_COLUMNS} from operation where conductor = $1 and finished_at is null order by id`,
      [conductor],
    );
  }

  /** Open work whose poll or deadline has come. */
  async due(conductor: string): Promise<OpenOperation[]> {
    return this.source.query<OpenOperation[]>(
      `select ${OPEN_COLUMNS} from operation
        where conductor = $1 and state = 'waiting' and finished_at is null and (poll_at <= now() or deadline <= now()) order by id`,
      [conductor],
    );
  }

  /** The node's open workflow (not a power action). */
  async openOf(node_uuid: string, on: Queryable = this.source.manager): Promise<OpenOperation | null> {
    const [row] = await on.query<OpenOperation[]>(
      `select ${OPEN_COLUMNS} from operation where node_uuid = $1 and finished_at is null and kind not in ('power', 'action')`,
      [node_uuid],
    );
    return row ?? null;
  }

  async hasOpenPower(node_uuid: string): Promise<boolean> {
    const rows = await this.source.query<unknown[]>(
      `select 1 from operation where node_uuid = $1 and finished_at is null and kind = 'power'`,
      [node_uuid],
    );
    return rows.length > 0;
  }

  async countOpen(kind: OperationKind, on: Queryable = this.source.manager): Promise<number> {
    const [row] = await on.query<{ count: number }[]>(
      `select count(*)::int as count from operation where kind = $1 and finished_at is null`,
      [kind],
    );
    return row!.count;
  }

  /** The step that is under way, for `deploy_step`, `clean_step` and `service_step`. */
  async currentSteps(
    node_uuids: readonly string[],
  ): Promise<Map<string, { kind: OperationKind; step: Step }>> {
    const rows = await this.source.query<(OperationStep & { node_uuid: string; kind: OperationKind })[]>(
      `select o.node_uuid, o.kind, s.* from operation o join operation_step s
           on s.operation_id = o.id and s.position = o.cursor
        where o.node_uuid = any($1) and o.finished_at is null and o.kind in ('deploy', 'clean', 'service') and s.visible`,
      [node_uuids],
    );
    return new Map(rows.map((row) => [row.node_uuid, { kind: row.kind, step: row }]));
  }

  async #writeSteps(id: string, steps: readonly Step[], on: Queryable): Promise<void> {
    if (steps.length === 0) return;
    const rows = steps.map((step, position) => ({ ...step, operation_id: id, position }));
    await on.query(
      `insert into operation_step (operation_id, position, interface, name, priority, args, abortable, rerunnable,
              visible, agent, state, checkpoint, attempt, started_at, finished_at)
       select operation_id, position, interface, name, priority, args, abortable, rerunnable, visible, agent, state,
              checkpoint, attempt, started_at, finished_at
         from jsonb_populate_recordset(null::operation_step, $1::jsonb)`,
      [JSON.stringify(rows)],
    );
  }
}
