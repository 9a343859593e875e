import type { Event } from '../../../persistence/event/event.entity.js';
import type { Resource } from '../../openapi/describe.js';
import { LINKS, TIME } from '../../openapi/json-schema.js';
import { type Field, timestamp } from '../../resource/field.js';

type HistoryField = Field<Event>;
const SHORT = 255;

const field = (
  name: string,
  since: number,
  read: HistoryField['read'],
  more: Partial<HistoryField> = {},
): HistoryField => ({ name, since, columns: [], read, ...more });

/** The fields of a history entry. Source: NodeHistoryController of ironic/api/controllers/v1/node.py. */
export const HISTORY_FIELDS: readonly HistoryField[] = [
  field('uuid', 78, (row) => row.uuid, { brief: true }),
  field('created_at', 78, (row) => timestamp(row.created_at), { brief: true, sort: true, type: TIME }),
  field('severity', 78, (row) => row.severity, { brief: true }),
  field('event_type', 78, (row) => row.event_type),
  field('event', 78, (row) => row.event, { brief: true }),
  field('conductor', 78, (row) => row.conductor),
  field('user', 78, (row) => row.user_name),
  field('project', 113, (row) => row.project),
  field('state', 115, (row) => row.state),
  field('target_provision_state', 115, (row) => row.target_provision_state),
  field('duration_seconds', 115, (row) => row.duration_seconds, { type: { type: ['number', 'null'] } }),
  field(
    'links',
    78,
    (row, { base }) => [{ href: `${base}/v1/nodes/${row.node_uuid}/history/${row.uuid}`, rel: 'self' }],
    { always: true, type: LINKS },
  ),
];

/** Shortens a long text for a listing without detail. */
export function shortEvent(entry: Record<string, unknown>): Record<string, unknown> {
  const text = String(entry['event']);
  return text.length > SHORT ? { ...entry, event: `${text.slice(0, SHORT - 4)}...` } : entry;
}

export const HISTORY: Resource = { name: 'NodeHistory', fields: HISTORY_FIELDS };
