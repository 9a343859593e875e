import type { DataSource } from 'typeorm';
import type { Actor } from '../../domain/actor.js';
import { NotFoundError } from '../../domain/errors.js';
import type { Json, JsonObject } from '../../domain/json.js';
import type { SightingKind } from '../../domain/network/sighting.js';
import type { FailureReason, Result } from '../../domain/step/advance.js';
import type { StepOwner, StepState } from '../../domain/step/step.js';
import type { OperationKind } from './operation.repository.js';

/** A step of an attempt. Times are the database's. */
export interface AttemptStep {
  interface: StepOwner;
  step: string;
  state: StepState;
  priority: number;
  /** Given by a user, a template or the driver's order of steps; not by the conductor's own workflow. */
  visible: boolean;
  /** How often it was entered: at its start, at each wake-up, after a conductor's death. */
  entered: number;
  /** Secrets are `******`; null for steps that are not visible. */
  args: JsonObject | null;
  started_at: Date | null;
  finished_at: Date | null;
}

/** What was seen of the machine during the attempt, by kind and name. */
export interface AttemptSighting {
  kind: SightingKind;
  /** dhcp: the program that asked; tftp and http: the file; else empty. */
  name: string;
  source: string;
  first_at: Date;
  last_at: Date;
  count: number;
  bytes: number;
}

/**
 * How an attempt ended. `superseded`: a later request took its place, such as a deletion that does not wait for a
 * deployment.
 */
export type AttemptOutcome = Result['is'] | 'superseded';

/** An operation as one attempt at something, for readers: no checkpoint and no secret. */
export interface Attempt {
  id: string;
  uuid: string;
  node_uuid: string;
  kind: OperationKind;
  state: string;
  /** null until it is decided. */
  outcome: AttemptOutcome | null;
  error: string | null;
  /** The code of a failure (`FailureReason`). */
  reason: FailureReason | null;
  conductor: string;
  actor: Actor | null;
  request_id: string | null;
  waits_for: string | null;
  /** When the wait under way fails; null: no limit, or the node is in maintenance. */
  deadline: Date | null;
  abort_requested: boolean;
  created_at: Date;
  finished_at: Date | null;
  steps: AttemptStep[];
  sightings: AttemptSighting[];
}

const OUTCOME = `coalesce(o.args #>> '{_result,is}', case when o.finished_at is not null then 'superseded' end)`;
const STEP = `jsonb_build_object('interface', s.interface, 'step', s.name, 'state', s.state, 'priority', s.priority,
  'visible', s.visible, 'entered', s.attempt, 'args', case when s.visible then s.args end,
  'started_at', s.started_at, 'finished_at', s.finished_at)`;
const SIGHTING = `jsonb_build_object('kind', b.kind, 'name', b.name, 'source', b.source, 'first_at', b.first_at,
  'last_at', b.last_at, 'count', b.count, 'bytes', b.bytes)`;
const COLUMNS = `o.id, o.uuid, o.node_uuid, o.kind, o.state, ${OUTCOME} as outcome, o.error,
  o.args #>> '{_result,reason}' as reason, o.conductor, o.actor, o.request_id, o.wait_for as waits_for,
  case when o.clock_stopped_at is null then o.deadline end as deadline, o.abort_requested, o.created_at, o.finished_at,
  (select coalesce(jsonb_agg(${STEP} order by s.position), '[]') from operation_step s where s.operation_id = o.id) as steps,
  (select coalesce(jsonb_agg(${SIGHTING} order by b.first_at, b.kind, b.name), '[]') from boot_sighting b
    where b.operation_id = o.id) as sightings`;

/** A step as the database's JSON has it. */
type StepJson = Omit<AttemptStep, 'started_at' | 'finished_at'> & Record<'started_at' | 'finished_at', Json>;

/** The journal for readers: the attempts of a node and their steps. */
export class AttemptRepository {
  constructor(private readonly source: Pick<DataSource, 'query'>) {}

  /**
   * A page of a node's attempts, by the order in which they began.
   * @param kinds only these; null: all
   * @throws NotFoundError for a marker that is not an attempt of the node
   */
  async ofNode(
    node_uuid: string,
    page: { limit: number; marker?: string; sort_dir: 'asc' | 'desc' },
    kinds: readonly string[] | null,
  ): Promise<Attempt[]> {
    const marker = page.marker === undefined ? null : await this.find(node_uuid, page.marker);
    const [than, direction] = page.sort_dir === 'asc' ? ['>', 'asc'] : ['<', 'desc'];
    const rows = await this.source.query<Attempt[]>(
      `select ${COLUMNS} from operation o
        where o.node_uuid = $1 and ($2::bigint is null or o.id ${than} $2) and ($3::varchar[] is null or o.kind = any($3))
        order by o.id ${direction} limit $4`,
      [node_uuid, marker?.id ?? null, kinds, page.limit],
    );
    return rows.map(withTimes);
  }

  /** The newest attempt that is neither a power change nor an action; null: there is none. */
  async lastWorkflow(node_uuid: string): Promise<Attempt | null> {
    const [row] = await this.source.query<Attempt[]>(
      `select ${COLUMNS} from operation o
        where o.node_uuid = $1 and o.kind not in ('power', 'action') order by o.id desc limit 1`,
      [node_uuid],
    );
    return row ? withTimes(row) : null;
  }

  /** @throws NotFoundError for one that is not the node's */
  async find(node_uuid: string, uuid: string): Promise<Attempt> {
    const [row] = await this.source.query<Attempt[]>(
      `select ${COLUMNS} from operation o where o.node_uuid = $1 and o.uuid = $2`,
      [node_uuid, uuid],
    );
    if (!row) throw new NotFoundError(`The node has no attempt ${uuid}.`);
    return withTimes(row);
  }
}

function withTimes(row: Attempt): Attempt {
  const steps = row.steps as unknown as StepJson[];
  return {
    ...row,
    steps: steps.map((step) => ({
      ...step,
      started_at: timeOf(step.started_at),
      finished_at: timeOf(step.finished_at),
    })),
    sightings: row.sightings.map((sighting) => ({
      ...sighting,
      first_at: new Date(sighting.first_at),
      last_at: new Date(sighting.last_at),
    })),
  };
}

function timeOf(text: Json): Date | null {
  return typeof text === 'string' ? new Date(text) : null;
}
