import type { ConductorStatus } from '../../../persistence/conductor-record/conductor-record.repository.js';
import type { Resource } from '../../openapi/describe.js';
import { FLAG, LINKS, STRINGS, TIME } from '../../openapi/json-schema.js';
import { type Field, timestamp } from '../../resource/field.js';
import { linksTo } from '../../resource/links.js';

type ConductorField = Field<ConductorStatus>;

/** The fields of a conductor. Source: ironic/api/controllers/v1/conductor.py. */
export const CONDUCTOR_FIELDS: readonly ConductorField[] = [
  {
    name: 'created_at',
    since: 49,
    columns: [],
    type: TIME,
    read: (row) => timestamp(row.created_at),
    sort: true,
  },
  {
    name: 'updated_at',
    since: 49,
    columns: [],
    type: TIME,
    read: (row) => timestamp(row.updated_at),
    sort: true,
  },
  { name: 'hostname', since: 49, columns: [], read: (row) => row.hostname, sort: true, brief: true },
  {
    name: 'conductor_group',
    since: 49,
    columns: [],
    read: (row) => row.conductor_group,
    sort: true,
    brief: true,
  },
  { name: 'drivers', since: 49, columns: [], type: STRINGS, read: (row) => row.drivers },
  {
    name: 'links',
    since: 49,
    columns: [],
    read: (row, { base }) => linksTo(base, `conductors/${encodeURIComponent(row.hostname)}`),
    type: LINKS,
    always: true,
  },
  { name: 'alive', since: 49, columns: [], type: FLAG, read: (row) => row.alive, brief: true },
];

export const CONDUCTOR: Resource = { name: 'Conductor', fields: CONDUCTOR_FIELDS };
