import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { Compound } from '../../database/compound.js';
import type { Queryable } from '../../database/data-source.js';
import { purge, type Retention } from '../../database/retention.js';
import { type Keyring, openSecrets, type SealedPlace, sealSecrets } from '../../database/sealing.js';
import { type Actor, CONDUCTOR } from '../../domain/actor.js';
import type { Json, JsonObject } from '../../domain/json.js';
import { keptText } from '../../domain/kept-text.js';
import { factsOf } from '../../domain/provision/machine.js';
import { type ProvisionState, STATES } from '../../domain/provision/table.js';
import { type Journal, newJournal, type Result } from '../../domain/step/advance.js';
import { newStep, type PlannedStep, type Step } from '../../domain/step/step.js';
import type { Operation, OperationStep } from './operation.entity.js';

export const OPERATION_KINDS = [
  'verify',
  'deploy',
  'clean',
  'teardown',
  'inspect',
  'adopt',
  'rescue',
  'unrescue',
  'service',
  'power',
  'action',
] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

/** An operation with its journal, as the runner uses it. */
export interface JournaledOperation {
  id: string;
  uuid: string;
  node_uuid: string;
  kind: OperationKind;
  args: JsonObject;
  /** Who asked for it; recorded in all events of the operation. */
  actor: Actor;
  journal: Journal;
}

/** An operation to create. */
export interface NewOperation {
  /** Generated here if absent. */
  uuid?: string;
  node_uuid: string;
  kind: OperationKind;
  steps: readonly PlannedStep[];
  args?: JsonObject;
  actor: Actor;
  conductor: string;
}

/** The wait of an open operation; times in ms from now, by the database's clock. */
export interface OpenOperation {
  id: string;
  node_uuid: string;
  kind: OperationKind;
  state: Journal['state'];
  wait_for: 'heartbeat' | 'poll' | null;
  poll_in: number | null;
  deadline_in: number | null;
  abort_requested: boolean;
  /** The node is in maintenance, and the deadline is suspended. */
  stopped: boolean;
}

const OPEN_COLUMNS = `id, node_uuid, kind, state, wait_for, abort_requested, clock_stopped_at is not null as stopped,
  extract(epoch from poll_at - now())::float8 * 1000 as poll_in,
  case when clock_stopped_at is null then extract(epoch from deadline - now())::float8 * 1000 end as deadline_in`;

/** A node whose row shows work (`work`) or a power change (`power`) that is in no journal. */
export interface Stranded {
  uuid: string;
  work: boolean;
  power: boolean;
}

/** States in which a conductor works on the node; a verb ends the waiting and stable ones. */
const WORKING_STATES = (Object.keys(STATES) as ProvisionState[]).filter(
  (state) => factsOf(state).onConductorLoss !== undefined,
);

/** The wait of an operation, times in ms. */
export interface OperationWait {
  for: 'heartbeat' | 'poll';
  pollAfter: number | null;
  /** A new deadline from now; null: unchanged. */
  timeout: number | null;
  /** The deadline of a step without one; null: no limit. */
  fallback: number | null;
}

/** A row of operation_step as JSON. */
type StepJson = Omit<OperationStep, 'args_sealed'> & { args_sealed: string | null };

/** The journal: every query on operations and their steps. Secrets in the arguments of steps are sealed here. */
export class OperationRepository {
  constructor(
    private readonly source: DataSource,
    private readonly keyring: Keyring,
  ) {}

  /** @throws the database's unique violation when the node has open work of that sort */
  async create(operation: NewOperation, on: Queryable): Promise<{ id: string; uuid: string }> {
    const compound = new Compound();
    compound.add('held', 'select');
    const { uuid } = this.addCreated(compound, operation);
    const [created] = await compound.run<{ id: string }>(on, `select id from created`);
    return { id: created!.id, uuid };
  }

  /**
   * Adds the part `created` to a compound: creates the operation where the part `held` has its row, and returns its
   * `id`.
   * @param supersedes why the node's open workflow ends with it; null when there is none
   * @returns the operation, without the id
   */
  addCreated(
    compound: Compound,
    operation: NewOperation,
    supersedes: string | null = null,
  ): Omit<JournaledOperation, 'id'> {
    const { uuid = randomUUID(), node_uuid, kind, steps, args = {}, actor, conductor } = operation;
    const { parameters } = compound;
    const journal = newJournal(steps.map(newStep));
    const from = ['held'];
    if (supersedes !== null) {
      this.addSuperseded(compound, node_uuid, supersedes);
      // Before the new one, which the unique index would refuse otherwise.
      from.push('(select count(*) from superseded) as before');
    }
    const { request_id } = actor;
    const given = { args: JSON.stringify(args), request_id, actor: JSON.stringify(actor) };
    const row = { uuid, node_uuid, kind, ...given, conductor };
    const values = Object.values(row).map((value) => parameters.add(value));
    compound.add(
      'created',
      `insert into operation (${Object.keys(row).join(', ')}, state)
       select ${values.join(', ')}, 'running' from ${from.join(', ')} returning id`,
    );
    this.#addSteps(
      compound,
      'created',
      uuid,
      journal.steps.map((step, position) => ({ ...step, position })),
    );
    return { uuid, node_uuid, kind, args, actor, journal };
  }

  /** Adds the part `superseded` to a compound: ends the node's open workflow where the part `held` has its row. */
  addSuperseded(compound: Compound, node_uuid: string, message: string): void {
    const { parameters } = compound;
    compound.add(
      'superseded',
      `update operation set state = 'finished', error = ${parameters.add(keptText(message))}, finished_at = now() from held
        where operation.node_uuid = ${parameters.add(node_uuid)} and finished_at is null and kind not in ('power', 'action')
       returning operation.id`,
    );
  }

  async load(id: string, on: Queryable = this.source.manager): Promise<JournaledOperation | null> {
    const [row] = await on.query<(Operation & { steps: StepJson[] })[]>(
      `select *, (select coalesce(jsonb_agg(to_jsonb(step) order by position), '[]') from operation_step step
                   where operation_id = operation.id) as steps
         from operation where id = $1`,
      [id],
    );
    if (!row) return null;
    const steps = row.steps.map((step) => this.#opened(row.uuid, step));
    const state = row.state as Journal['state'];
    const result = (row.args['_result'] as Result | undefined) ?? null;
    const { _result, ...args } = row.args;
    return {
      id: row.id,
      uuid: row.uuid,
      node_uuid: row.node_uuid,
      kind: row.kind as OperationKind,
      args,
      actor: row.actor ?? { ...CONDUCTOR, request_id: row.request_id },
      journal: { state, cursor: row.cursor, steps, abort_requested: row.abort_requested, result },
    };
  }

  /**
   * Adds the part `own` to a compound: writes the new journal where the part `held` has its row, and returns
   * `deadline_in`, ms to the deadline or null. Durations become times of the database's clock. Unchanged steps are not
   * written. A step keeps its deadline unless `timeout` sets a new one; a wait without a deadline gets the fallback's.
   */
  addJournal(
    compound: Compound,
    operation: JournaledOperation,
    after: Journal,
    wait: OperationWait | null,
  ): void {
    const before = operation.journal.steps;
    const changed = after.steps.flatMap((step, position) =>
      step === before[position] ? [] : [{ ...step, position }],
    );
    const given = (value: unknown) => compound.parameters.add(value);
    const state = given(after.state);
    const cursor = given(after.cursor);
    const timeout = given(wait?.timeout ?? null);
    const fallback = given(wait?.fallback ?? null);
    const result = given(after.result ? JSON.stringify(after.result) : null);
    compound.add(
      'own',
      `update operation set state = ${state}::varchar, cursor = ${cursor}::int,
              abort_requested = abort_requested or ${given(after.abort_requested)}, error = ${given(after.result?.message ?? null)},
              wait_for = ${given(wait?.for ?? null)}::varchar,
              poll_at = now() + make_interval(secs => ${given(wait?.pollAfter ?? null)}::float8 / 1000),
              deadline = case when ${timeout}::float8 is not null then now() + make_interval(secs => ${timeout}::float8 / 1000)
                when cursor <> ${cursor}::int or deadline is null then now() + make_interval(secs => ${fallback}::float8 / 1000)
                else deadline + coalesce(now() - clock_stopped_at, interval '0') end,
              clock_stopped_at = case when ${state}::varchar = 'waiting' and held.maintenance then now() end,
              args = case when ${result}::jsonb is null then args else args || jsonb_build_object('_result', ${result}::jsonb) end,
              updated_at = now(), finished_at = case when ${state}::varchar = 'finished' then now() end
         from held where operation.id = ${given(operation.id)}
       returning operation.id, case when clock_stopped_at is null then extract(epoch from deadline - now())::float8 * 1000 end as deadline_in`,
    );
    if (changed.length > 0) this.#addSteps(compound, 'own', operation.uuid, changed);
  }

  /** Adds the part `noted` to a compound: saves a step's checkpoint where the part `held` has its row. */
  addCheckpoint(compound: Compound, id: string, position: number, checkpoint: Json): void {
    const given = (value: unknown) => compound.parameters.add(value);
    compound.add(
      'noted',
      `update operation_step set checkpoint = ${given(JSON.stringify(checkpoint))}::jsonb from held
        where operation_id = ${given(id)} and position = ${given(position)}`,
    );
  }

  /** Journaled first, so that an accepted abort survives a crash. From then on `actor` is the operation's actor. */
  async requestAbort(id: string, actor: Actor, on: Queryable): Promise<void> {
    await on.query(`update operation set abort_requested = true, actor = $2 where id = $1`, [
      id,
      JSON.stringify(actor),
    ]);
  }

  /** Turns a hold into a wait that is due; `checkpoint` tells the step that it was released. */
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

  /** Open operations of one conductor, oldest first. */
  async open(conductor: string): Promise<OpenOperation[]> {
    return this.source.query<OpenOperation[]>(
      `select ${OPEN_COLUMNS} from operation where conductor = $1 and finished_at is null order by id`,
      [conductor],
    );
  }

  async openById(id: string): Promise<OpenOperation | null> {
    const [row] = await this.source.query<OpenOperation[]>(
      `select ${OPEN_COLUMNS} from operation where id = $1 and finished_at is null`,
      [id],
    );
    return row ?? null;
  }

  async idOf(uuid: string, on: Queryable): Promise<string | null> {
    const [row] = await on.query<{ id: string }[]>(`select id from operation where uuid = $1`, [uuid]);
    return row?.id ?? null;
  }

  /** The node's open workflow: neither a power change nor an action. */
  async openOf(node_uuid: string, on: Queryable = this.source.manager): Promise<OpenOperation | null> {
    const [row] = await on.query<OpenOperation[]>(
      `select ${OPEN_COLUMNS} from operation where node_uuid = $1 and finished_at is null and kind not in ('power', 'action')`,
      [node_uuid],
    );
    return row ?? null;
  }

  /**
   * Unreserved nodes of a conductor whose row shows work under way, but which have no operation.
   * @param uuid of one node, reserved or not; null: all
   */
  stranded(conductor: string, uuid: string | null = null): Promise<Stranded[]> {
    return this.source.query<Stranded[]>(
      `select * from (
         select uuid,
                provision_state = any($2) and not exists (select 1 from operation where node_uuid = node.uuid
                  and finished_at is null and kind not in ('power', 'action')) as work,
                target_power_state is not null and not exists (select 1 from operation where node_uuid = node.uuid
                  and finished_at is null and kind = 'power') as power
           from node where conductor_affinity = $1 and (provision_state = any($2) or target_power_state is not null)
            and case when $3::uuid is null then reservation is null or reservation_expires_at < now() else uuid = $3 end
       ) as node where work or power`,
      [conductor, WORKING_STATES, uuid],
    );
  }

  async countOpen(kind: OperationKind, on: Queryable = this.source.manager): Promise<number> {
    const [row] = await on.query<{ count: number }[]>(
      `select count(*)::int as count from operation where kind = $1 and finished_at is null`,
      [kind],
    );
    return row!.count;
  }

  /** @returns the number of deleted operations; their steps are deleted, too */
  purge(keep: Retention, signal: AbortSignal): Promise<number> {
    return purge(this.source, { table: 'operation', at: 'finished_at' }, keep, signal);
  }

  /** The step under way, for `deploy_step`, `clean_step` and `service_step`; secrets stay sealed. */
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

  /** Adds the part `step`: steps of the operation in the part `of`; times are the database's. */
  #addSteps(
    compound: Compound,
    of: string,
    uuid: string,
    steps: readonly (Step & { position: number })[],
  ): void {
    const given = compound.parameters.add(JSON.stringify(steps.map((step) => this.#sealed(uuid, step))));
    compound.add(
      'step',
      `insert into operation_step (operation_id, position, interface, name, priority, args, args_sealed, abortable,
              rerunnable, visible, agent, state, checkpoint, attempt, started_at, finished_at)
       select ${of}.id, row.position, row.interface, row.name, row.priority, row.args, row.args_sealed, row.abortable,
              row.rerunnable, row.visible, row.agent, row.state, row.checkpoint, row.attempt,
              case when row.state <> 'pending' then now() end, case when row.state in ('done', 'failed') then now() end
         from ${of}, jsonb_populate_recordset(null::operation_step, ${given}::jsonb) as row
       on conflict (operation_id, position) do update
          set interface = excluded.interface, name = excluded.name, priority = excluded.priority, args = excluded.args,
              args_sealed = excluded.args_sealed, abortable = excluded.abortable, rerunnable = excluded.rerunnable,
              visible = excluded.visible, agent = excluded.agent, state = excluded.state, checkpoint = excluded.checkpoint, attempt = excluded.attempt,
              started_at = coalesce(operation_step.started_at, excluded.started_at), finished_at = excluded.finished_at`,
    );
  }

  /** For jsonb_populate_recordset: bytes in hexadecimal form. */
  #sealed(uuid: string, step: Step & { position: number }) {
    const { open, sealed } = sealSecrets(
      this.keyring,
      step.args,
      stepPlace(uuid, step.position, 'args_sealed'),
    );
    return { ...step, args: open, args_sealed: sealed && `\\x${sealed.toString('hex')}` };
  }

  #opened(uuid: string, { args_sealed, ...step }: StepJson): Step {
    if (args_sealed === null) return step;
    const place = stepPlace(uuid, step.position, 'args_sealed');
    const sealed = Buffer.from(args_sealed.slice(2), 'hex');
    return { ...step, args: openSecrets(this.keyring, step.args, sealed, place) };
  }
}

/**
 * The place of a step's sealed value: a column of its row, or a text in the arguments of an action.
 * @param uuid of the operation
 */
export function stepPlace(uuid: string, position: number, column: 'args_sealed' | 'args'): SealedPlace {
  return { table: 'operation_step', column, row: `${uuid}/${position}` };
}
