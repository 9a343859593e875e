import { SIGHTING_KINDS } from '../../../domain/network/sighting.js';
import { STEP_INTERFACES } from '../../../domain/step/step.js';
import type {
  Attempt,
  AttemptSighting,
  AttemptStep,
} from '../../../persistence/operation/attempt.repository.js';
import { OPERATION_KINDS } from '../../../persistence/operation/operation.repository.js';
import type { Resource } from '../../openapi/describe.js';
import { FLAG, LINKS, OBJECT, objectOf, STRING, TEXT, TIME } from '../../openapi/json-schema.js';
import { timestamp } from '../../resource/field.js';
import { fieldsOf } from '../../resource/fields-of.js';

const { shown, time, computed } = fieldsOf<Attempt>();
const SECONDS = { type: ['number', 'null'] } as const;

const STEP = objectOf({
  interface: { enum: [...STEP_INTERFACES, 'inspect', 'rescue', 'console'] },
  step: STRING,
  state: { enum: ['pending', 'running', 'waiting', 'done', 'failed'] },
  priority: { type: 'integer' },
  visible: FLAG,
  entered: { type: 'integer' },
  args: OBJECT,
  started_at: TIME,
  finished_at: TIME,
  duration_seconds: SECONDS,
});

const SIGHTING = objectOf({
  kind: { enum: SIGHTING_KINDS },
  name: STRING,
  source: STRING,
  first_at: TIME,
  last_at: TIME,
  count: { type: 'integer' },
  bytes: { type: 'integer' },
});

/** The fields of an attempt. Listings without `detail` leave out the steps. */
export const ATTEMPT_FIELDS = [
  shown('uuid', 1, { brief: true }),
  shown('kind', 1, { brief: true, type: { enum: OPERATION_KINDS } }),
  shown('state', 1, { brief: true, type: { enum: ['running', 'waiting', 'held', 'ending', 'finished'] } }),
  shown('outcome', 1, {
    brief: true,
    type: { enum: ['succeeded', 'failed', 'aborted', 'superseded', null] },
  }),
  shown('error', 1, { brief: true, type: TEXT }),
  shown('reason', 1, { brief: true, type: TEXT }),
  time('created_at', 1, { brief: true }),
  time('finished_at', 1, { brief: true }),
  computed('duration_seconds', 1, [], (row) => secondsOf(row.created_at, row.finished_at), {
    brief: true,
    type: SECONDS,
  }),
  shown('waits_for', 1, { brief: true, type: { enum: ['heartbeat', 'poll', null] } }),
  time('deadline', 1, { brief: true }),
  shown('abort_requested', 1, { brief: true, type: { type: 'boolean' } }),
  computed('user', 1, ['actor'], (row) => row.actor?.user ?? null, { brief: true, type: TEXT }),
  computed('project', 1, ['actor'], (row) => row.actor?.project ?? null, { brief: true, type: TEXT }),
  computed('via', 1, ['actor'], (row) => row.actor?.via ?? null, { brief: true, type: TEXT }),
  shown('request_id', 1, { brief: true, type: TEXT }),
  shown('conductor', 1, { brief: true }),
  computed('steps', 1, ['steps'], (row) => row.steps.map(shownStep), {
    type: { type: 'array', items: STEP },
  }),
  computed('sightings', 1, ['sightings'], (row) => row.sightings.map(shownSighting), {
    type: { type: 'array', items: SIGHTING },
  }),
  computed(
    'links',
    1,
    [],
    (row, { base }) => [{ href: `${base}/v1/nodes/${row.node_uuid}/attempts/${row.uuid}`, rel: 'self' }],
    { always: true, type: LINKS },
  ),
];

export const ATTEMPT: Resource = { name: 'NodeAttempt', fields: ATTEMPT_FIELDS };

function shownStep({ started_at, finished_at, ...step }: AttemptStep) {
  const times = { started_at: timestamp(started_at), finished_at: timestamp(finished_at) };
  return { ...step, ...times, duration_seconds: secondsOf(started_at, finished_at) };
}

function shownSighting({ first_at, last_at, ...sighting }: AttemptSighting) {
  return { ...sighting, first_at: timestamp(first_at), last_at: timestamp(last_at) };
}

/** Whole milliseconds, in seconds. */
function secondsOf(from: Date | null, to: Date | null): number | null {
  return from === null || to === null ? null : (to.getTime() - from.getTime()) / 1000;
}
